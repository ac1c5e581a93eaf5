use super::*;
use proptest::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

const KINDS: [EventKind; 6] = [
    EventKind::Appeared,
    EventKind::Gone,
    EventKind::Written,
    EventKind::Accessed,
    EventKind::Attributes,
    EventKind::Lost,
];

/// A watched directory `/d` (0), a watched file `/f/app.conf` (1), and a missing `/m/x/y` (2).
fn places() -> Places {
    let place = |path: &str, watched, interest| Place { path: path.into(), watched, interest };
    Places::for_tests([
        place("/d", 0, Interest::Everything),
        place("/f", 1, Interest::Name("app.conf".into())),
        place("/f/app.conf", 1, Interest::Content),
        place("/m", 2, Interest::Name("x".into())),
        place("/t", 3, Interest::Tree),
    ])
}

fn judge(kind: EventKind, path: &str, ignore: &[&str]) -> Vec<(usize, bool)> {
    let ignore = IgnoreGlobs::new(&ignore.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    let event = Event { kind, path: path.into() };
    hits(&event, &places(), &ignore).map(|hit| (hit.watched, hit.moved)).collect()
}

#[test]
fn every_kind_of_event_on_every_kind_of_place() {
    use EventKind::{Accessed, Appeared, Attributes, Gone, Written};
    type Hits = &'static [(usize, bool)];
    let table: &[(&str, [Hits; 3])] = &[
        // path, then what it is when it appears, goes, is written
        ("/d/key", [&[(0, false)], &[(0, false)], &[(0, false)]]),
        ("/d/..data", [&[(0, false)], &[(0, false)], &[(0, false)]]),
        ("/d/..data_tmp", [&[], &[], &[]]),
        ("/d/..2026_11_22_10_00_00.1", [&[], &[], &[]]),
        ("/d/.hidden", [&[(0, false)], &[(0, false)], &[(0, false)]]),
        ("/d/sub/key", [&[], &[], &[]]),
        ("/d", [&[], &[(0, true)], &[]]),
        ("/f/app.conf", [&[(1, true)], &[(1, true), (1, true)], &[(1, false), (1, false)]]),
        ("/f/other", [&[], &[], &[]]),
        ("/f", [&[], &[(1, true)], &[]]),
        ("/m/x", [&[(2, true)], &[(2, true)], &[(2, false)]]),
        ("/m/y", [&[], &[], &[]]),
        ("/t/a", [&[(3, false)], &[(3, false)], &[(3, false)]]),
        ("/t/a/b/c", [&[(3, false)], &[(3, false)], &[(3, false)]]),
        ("/t/v/..data", [&[(3, false)], &[(3, false)], &[(3, false)]]),
        ("/t/v/..2026_11_22_10_00_00.1/key", [&[], &[], &[]]),
        ("/t/v/..data_tmp", [&[], &[], &[]]),
        ("/t", [&[], &[(3, true)], &[]]),
        ("/elsewhere", [&[], &[], &[]]),
        ("", [&[], &[], &[]]),
    ];
    for (path, expected) in table {
        for (kind, expected) in [Appeared, Gone, Written].into_iter().zip(expected) {
            assert_eq!(judge(kind, path, &[]), *expected, "{kind:?} {path}");
        }
        for kind in [Accessed, Attributes] {
            assert_eq!(judge(kind, path, &[]), [], "{kind:?} {path}");
        }
    }
}

/// Whether they count or not, for what a volume is to hold is told by its names.
#[test]
fn names_come_and_go_where_a_directory_is_watched() {
    let renamed =
        |kind, path: &str| -> Vec<usize> { renames(&Event { kind, path: path.into() }, &places()).collect() };
    let table: &[(&str, &[usize])] = &[
        ("/d/key", &[0]),
        ("/d/token", &[0]),
        ("/d/.hidden", &[0]),
        ("/d/..data", &[]),
        ("/d/..data_tmp", &[]),
        ("/d/..2026_11_22_10_00_00.1", &[]),
        ("/d/sub/key", &[]),
        ("/f/other", &[1]),
        ("/t/a", &[3]),
        ("/elsewhere", &[]),
        ("", &[]),
    ];
    for (path, expected) in table {
        for kind in [EventKind::Appeared, EventKind::Gone] {
            assert_eq!(renamed(kind, path), *expected, "{kind:?} {path}");
        }
        for kind in [EventKind::Written, EventKind::Accessed, EventKind::Attributes] {
            assert!(renamed(kind, path).is_empty(), "{kind:?} {path}");
        }
    }
    let mut anywhere = renamed(EventKind::Lost, "");
    anywhere.dedup();
    assert_eq!(anywhere, [0, 1, 2, 3]);
}

#[test]
fn a_lost_event_can_mean_any_path() {
    let mut watched: Vec<_> = judge(EventKind::Lost, "", &[]);
    watched.dedup();
    assert_eq!(watched, [(0, true), (1, true), (2, true), (3, true)]);
}

#[test]
fn ignored_names_never_count_but_the_swap_does() {
    assert_eq!(judge(EventKind::Written, "/d/token", &["token"]), []);
    assert_eq!(judge(EventKind::Written, "/d/key", &["token"]), [(0, false)]);
    assert_eq!(judge(EventKind::Appeared, "/d/..data", &["*"]), [(0, false)]);
    assert_eq!(judge(EventKind::Written, "/t/a/token", &["token"]), []);
    assert_eq!(judge(EventKind::Written, "/t/a/token", &["a/*"]), []);
    assert_eq!(judge(EventKind::Written, "/t/b/token", &["a/*"]), [(3, false)]);
}

fn paths() -> impl Strategy<Value = PathBuf> {
    let known: Vec<PathBuf> =
        ["/d", "/d/key", "/d/..data", "/t", "/t/a/b", "/f/app.conf", "/f", "/m/x", "/m", ""]
            .iter()
            .map(Into::into)
            .collect();
    let any_bytes = prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| {
        use std::os::unix::ffi::OsStringExt;
        PathBuf::from(OsString::from_vec(bytes))
    });
    prop_oneof![
        proptest::sample::select(known),
        any_bytes.clone(),
        any_bytes.prop_map(|name| Path::new("/d").join(name)),
    ]
}

proptest! {
    #[test]
    fn looking_is_never_a_change(
        path in paths(),
        kind in proptest::sample::select(vec![EventKind::Accessed, EventKind::Attributes]),
    ) {
        let event = Event { kind, path };
        prop_assert_eq!(hits(&event, &places(), &IgnoreGlobs::default()).count(), 0);
    }

    #[test]
    fn the_kubelets_plumbing_is_never_a_change(
        name in "\\.\\.[a-zA-Z0-9_.]{0,20}",
        kind in proptest::sample::select(KINDS[..5].to_vec()),
    ) {
        prop_assume!(name != "..data" && name != "..");
        let event = Event { kind, path: Path::new("/d").join(name) };
        prop_assert_eq!(hits(&event, &places(), &IgnoreGlobs::default()).count(), 0);
    }

    #[test]
    fn every_visible_name_of_a_directory_counts(
        name in "[a-zA-Z0-9_-][^/\0]{0,20}",
        kind in proptest::sample::select(KINDS[..3].to_vec()),
    ) {
        let event = Event { kind, path: Path::new("/d").join(name) };
        let found: Vec<Hit> = hits(&event, &places(), &IgnoreGlobs::default()).collect();
        prop_assert_eq!(found, [Hit { watched: 0, moved: false }]);
    }

    #[test]
    fn only_places_above_the_path_can_be_hit(path in paths(), kind in proptest::sample::select(KINDS[..5].to_vec())) {
        let event = Event { kind, path: path.clone() };
        for hit in hits(&event, &places(), &IgnoreGlobs::default()) {
            let near = places().iter().any(|place| {
                place.watched == hit.watched
                    && (place.path == path
                        || Some(place.path.as_path()) == path.parent()
                        || place.interest == Interest::Tree && path.starts_with(&place.path))
            });
            prop_assert!(near, "{:?}", path);
        }
    }
}
