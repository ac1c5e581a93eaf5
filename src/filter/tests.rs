use super::*;
use crate::settings::IgnoreGlobs;
use proptest::prelude::*;
use std::path::PathBuf;

const CHANGES: [EventKind; 7] = [
    EventKind::NewFile,
    EventKind::NewDirectory,
    EventKind::NewLink,
    EventKind::Appeared,
    EventKind::Gone,
    EventKind::Written,
    EventKind::Closed,
];

/// A tree `/d` (0), a file `/f/app.conf` (1), a missing `/m/x/y` (2), a volume `/v` (3), and a key of a volume `/w` (4).
fn places() -> Places {
    let place = |path: &str, watched, interest| Place { path: path.into(), watched, interest };
    let directory = |below: &str| Interest::Directory { below: below.into(), volume: None };
    let name = |name: &str, in_volume| Interest::Name { name: name.into(), in_volume };
    let volume = Interest::Directory { below: PathBuf::new(), volume: Some(vec!["note".into()]) };
    Places::for_tests([
        place("/d", 0, directory("")),
        place("/d/sub", 0, directory("sub")),
        place("/f", 1, name("app.conf", false)),
        place("/f/app.conf", 1, Interest::Content),
        place("/m", 2, name("x", false)),
        place("/v", 3, volume),
        place("/w", 4, name("key", true)),
        place("/w", 4, name("..data", true)),
    ])
}

fn judge(kind: EventKind, path: &Path, ignore: &[&str]) -> Vec<Hit> {
    let ignore = IgnoreGlobs::new(&ignore.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    let event = Event { kind, path: path.into() };
    hits(&event, &places(), Scope { ignore: &ignore, recursive: true }).collect()
}

/// `3v!` is a hit of watched path 3 with the sign of a volume that moves the places.
fn text(hits: &[Hit]) -> String {
    let sign = |hit: &Hit| if hit.sign == Sign::Volume { 'v' } else { 'p' };
    let moved = |hit: &Hit| if hit.moved { "!" } else { "" };
    let all: Vec<String> =
        hits.iter().map(|hit| format!("{}{}{}", hit.watched, sign(hit), moved(hit))).collect();
    all.join(" ")
}

#[test]
fn every_kind_of_event_on_every_kind_of_place() {
    let never = [""; 7];
    let in_directory = ["0p", "0p!", "0p!", "0p", "0p", "0p", "0p"];
    let gone = |hit| ["", "", "", "", hit, "", ""];
    let table = [
        // path, then what it is when a file, a directory, a link, something else appears, it goes, is written, closed
        ("/d/key", in_directory),
        ("/d/.hidden", in_directory),
        ("/d/sub/key", in_directory),
        ("/d/sub", ["0p", "0p!", "0p!", "0p", "0p! 0p", "0p", "0p"]),
        ("/d/..data", ["0v!"; 7]),
        ("/d/sub/..data", ["0v!"; 7]),
        ("/d/..data_tmp", never),
        ("/d/..2026_11_22_10_00_00.1", never),
        ("/d/other/key", never),
        ("/d", gone("0p!")),
        ("/f/app.conf", ["1p!", "1p!", "1p!", "1p!", "1p! 1p!", "1p 1p", "1p 1p"]),
        ("/f/other", never),
        ("/f/..data", never),
        ("/f", gone("1p!")),
        ("/m/x", ["2p!", "2p!", "2p!", "2p!", "2p!", "2p", "2p"]),
        ("/m/y", never),
        ("/m/x/y", never),
        ("/v/key", ["3p!", "3p!", "3v", "3p!", "3v", "3p", "3p"]),
        ("/v/note", ["3p!", "3p!", "3v", "3p!", "3p!", "3p", "3p"]),
        ("/v/..data", ["3v", "3v", "3v", "3v", "3v!", "3v", "3v"]),
        ("/v/..data_tmp", never),
        ("/v/..2026_11_22_10_00_00.1", never),
        ("/v/..2026_11_22_10_00_00.1/key", never),
        ("/v", gone("3p!")),
        ("/w/key", ["4v!", "4v!", "4v!", "4v!", "4v!", "4v", "4v"]),
        ("/w/..data", ["4v", "4v", "4v", "4v", "4v!", "4v", "4v"]),
        ("/w/..data_tmp", never),
        ("/w/other", never),
        ("/w", gone("4p! 4p!")),
        ("/elsewhere", never),
        ("/", never),
        ("", never),
    ];
    for (path, expected) in table {
        for (kind, expected) in CHANGES.into_iter().zip(expected) {
            assert_eq!(text(&judge(kind, Path::new(path), &[])), expected, "{kind:?} {path}");
        }
        for kind in [EventKind::Accessed, EventKind::Attributes] {
            assert_eq!(judge(kind, Path::new(path), &[]), [], "{kind:?} {path}");
        }
    }
}

#[test]
fn a_lost_event_can_mean_any_path() {
    for path in ["", "/d/key", "/elsewhere"] {
        let mut found = judge(EventKind::Lost, Path::new(path), &["*"]);
        found.retain(|hit| hit.moved && hit.sign == Sign::Plain);
        found.dedup();
        let watched: Vec<usize> = found.iter().map(|hit| hit.watched).collect();
        assert_eq!(watched, [0, 1, 2, 3, 4], "{path}");
    }
}

#[test]
fn ignored_names_never_count_but_the_swap_does() {
    let written = |path: &str, ignore| text(&judge(EventKind::Written, Path::new(path), ignore));
    let table: [(&str, &[&str], &str); 10] = [
        ("/d/token", &["token"], ""),
        ("/d/key", &["token"], "0p"),
        ("/d/sub/token", &["token"], ""),
        ("/d/sub/token", &["sub/*"], ""),
        ("/d/token", &["sub/*"], "0p"),
        ("/v/token", &["token"], ""),
        ("/d/..data", &["*"], "0v!"),
        ("/v/..data", &["*"], "3v"),
        ("/w/..data", &["*"], "4v"),
        ("/f/app.conf", &["*"], "1p 1p"),
    ];
    for (path, ignore, expected) in table {
        assert_eq!(written(path, ignore), expected, "{path} without {ignore:?}");
    }
}

fn paths() -> impl Strategy<Value = PathBuf> {
    let known = [
        "/d",
        "/d/key",
        "/d/..data",
        "/d/sub",
        "/f/app.conf",
        "/f",
        "/m/x",
        "/v/key",
        "/v/..data",
        "/w/key",
        "",
    ];
    let known: Vec<PathBuf> = known.iter().map(Into::into).collect();
    let any_bytes = prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| {
        use std::os::unix::ffi::OsStringExt;
        PathBuf::from(OsString::from_vec(bytes))
    });
    prop_oneof![
        proptest::sample::select(known),
        any_bytes.clone(),
        (proptest::sample::select(vec!["/d", "/d/sub", "/f", "/v", "/w"]), any_bytes)
            .prop_map(|(directory, name)| Path::new(directory).join(name)),
    ]
}

fn changes() -> impl Strategy<Value = EventKind> {
    proptest::sample::select(CHANGES.to_vec())
}

proptest! {
    #[test]
    fn looking_is_never_a_change(
        path in paths(),
        kind in proptest::sample::select(vec![EventKind::Accessed, EventKind::Attributes]),
    ) {
        prop_assert_eq!(judge(kind, &path, &[]), []);
    }

    #[test]
    fn the_kubelets_plumbing_is_never_a_change(
        directory in proptest::sample::select(vec!["/d", "/d/sub", "/v", "/w"]),
        name in "\\.\\.[a-zA-Z0-9_.]{0,20}",
        kind in changes(),
    ) {
        prop_assume!(name != "..data" && name != "..");
        prop_assert_eq!(judge(kind, &Path::new(directory).join(name), &[]), []);
    }

    #[test]
    fn every_visible_name_of_a_directory_counts(
        (directory, watched) in proptest::sample::select(vec![("/d", 0), ("/d/sub", 0), ("/v", 3)]),
        name in "[a-zA-Z0-9_-][^/\0]{0,20}",
        kind in changes(),
    ) {
        prop_assume!(name != "sub");
        let found = judge(kind, &Path::new(directory).join(name), &[]);
        prop_assert!(matches!(found[..], [hit] if hit.watched == watched), "{:?}", found);
    }

    #[test]
    fn only_places_at_or_right_above_the_path_can_be_hit(path in paths(), kind in changes()) {
        for hit in judge(kind, &path, &[]) {
            let near = places().iter().any(|place| {
                place.watched == hit.watched
                    && (place.path == path || Some(place.path.as_path()) == path.parent())
            });
            prop_assert!(near, "{:?}", path);
        }
    }

    #[test]
    fn where_everything_is_ignored_no_name_of_a_directory_counts(
        directory in proptest::sample::select(vec!["/d/sub", "/v"]), name in "[^/\0.][^/\0]{0,20}", kind in changes(),
    ) {
        prop_assert_eq!(judge(kind, &Path::new(directory).join(name), &["*"]), []);
    }
}
