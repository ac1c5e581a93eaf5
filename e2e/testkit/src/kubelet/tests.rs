//! The sequence of a write, as inotify tells it of the volume's directory.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tempfile::TempDir;

use super::*;

/// What changes something; reads are told of separately.
const CHANGES: AddWatchFlags =
    AddWatchFlags::IN_ALL_EVENTS.difference(READS).difference(AddWatchFlags::IN_CLOSE_WRITE);
const READS: AddWatchFlags =
    AddWatchFlags::IN_OPEN.union(AddWatchFlags::IN_ACCESS).union(AddWatchFlags::IN_CLOSE_NOWRITE);

struct Watched {
    dir: TempDir,
    volume: Volume,
    inotify: Inotify,
}

impl Watched {
    /// A volume with `before` in it, watched from then on.
    fn new(order: Order, before: &Payload) -> Watched {
        let dir = tempfile::tempdir().unwrap();
        let volume = Volume::create(dir.path(), before).unwrap().order(order);
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
        inotify.add_watch(dir.path(), CHANGES | READS).unwrap();
        Watched { dir, volume, inotify }
    }

    fn timestamped(&self) -> OsString {
        fs::read_link(self.dir.path().join("..data")).unwrap().into_os_string()
    }

    /// Writes, and gives the changes that inotify told of: `MOVED_TO ..data`; timestamped
    /// directories are called `old` and `new`.
    fn changes(&self, payload: &Payload) -> Vec<String> {
        let old = self.timestamped();
        self.volume.write(payload).unwrap();
        let new = self.timestamped();
        let events = self.events(CHANGES);
        let name = |text: OsString| match text {
            text if text == old => "old".to_owned(),
            text if text == new => "new".to_owned(),
            text => text.into_string().unwrap(),
        };
        events.into_iter().map(|(kind, file)| format!("{kind} {}", name(file))).collect()
    }

    fn events(&self, wanted: AddWatchFlags) -> Vec<(String, OsString)> {
        let mut events = Vec::new();
        while let Ok(batch) = self.inotify.read_events() {
            for event in batch.into_iter().filter(|event| event.mask.intersects(wanted)) {
                let kinds = event.mask.iter_names().map(|(name, _)| name);
                let kinds: Vec<_> = kinds.map(|name| name.trim_start_matches("IN_")).collect();
                events.push((kinds.join("|"), event.name.unwrap_or_default()));
            }
        }
        events
    }

    fn visible(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with("..")).collect()
    }
}

const SWAP: [&str; 5] =
    ["CREATE|ISDIR new", "ATTRIB|ISDIR new", "CREATE ..data_tmp", "MOVED_FROM ..data_tmp", "MOVED_TO ..data"];
const END: &str = "DELETE|ISDIR old";
const ORDERS: [Order; 2] = [Order::LinksAfterSwap, Order::LinksBeforeSwap];

fn joined(parts: &[&[&str]]) -> Vec<String> {
    parts.concat().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_changed_key_swaps_the_data() {
    for order in ORDERS {
        let watched = Watched::new(order, &payload([("a", "1")]));
        assert_eq!(watched.changes(&payload([("a", "2")])), joined(&[&SWAP, &[END]]));
        assert_eq!(fs::read_to_string(watched.dir.path().join("a")).unwrap(), "2");
    }
}

#[test]
fn the_link_of_an_added_key_comes_after_the_swap_or_before() {
    let watched = Watched::new(Order::LinksAfterSwap, &payload([("a", "1")]));
    let changes = watched.changes(&payload([("a", "1"), ("b", "2")]));
    assert_eq!(changes, joined(&[&SWAP, &["CREATE b", END]]));

    let watched = Watched::new(Order::LinksBeforeSwap, &payload([("a", "1")]));
    let changes = watched.changes(&payload([("a", "1"), ("b", "2")]));
    assert_eq!(changes, joined(&[&SWAP[..2], &["CREATE b"], &SWAP[2..], &[END]]));
    assert_eq!(fs::read_to_string(watched.dir.path().join("b")).unwrap(), "2");
}

#[test]
fn the_link_of_a_removed_key_goes_after_the_swap() {
    for order in ORDERS {
        let watched = Watched::new(order, &payload([("a", "1"), ("b", "2")]));
        let changes = watched.changes(&payload([("a", "1")]));
        assert_eq!(changes, joined(&[&SWAP, &["DELETE b", END]]));
        assert_eq!(watched.visible(), ["a".to_owned()].into());
    }
}

#[test]
fn an_equal_payload_is_only_read() {
    for order in ORDERS {
        let content = payload([("a", "1"), ("d/b", "2")]);
        let watched = Watched::new(order, &content);
        let swap = watched.volume.write(&content).unwrap();
        assert_eq!(swap.renamed, None);
        let kinds: BTreeSet<_> = watched.events(CHANGES | READS).into_iter().collect();
        assert!(!kinds.is_empty(), "the kubelet opens the directory");
        for (kind, name) in kinds {
            let is_read = ["OPEN", "ACCESS", "CLOSE_NOWRITE"].iter().any(|read| kind.contains(read));
            assert!(is_read, "{kind} {name:?}");
        }
    }
}

#[test]
fn only_todays_kubelet_mends_a_missing_link() {
    for (order, visible) in [(Order::LinksAfterSwap, 1), (Order::LinksBeforeSwap, 0)] {
        let watched = Watched::new(order, &payload([("a", "1")]));
        fs::remove_file(watched.dir.path().join("a")).unwrap();
        watched.events(CHANGES);
        let changes = watched.changes(&payload([("a", "1")]));
        assert_eq!(changes, vec!["CREATE a"; visible]);
    }
}

#[test]
fn ownership_is_set_before_the_swap() {
    let gid = nix::unistd::getgid().as_raw();
    let mut watched = Watched::new(Order::LinksAfterSwap, &payload([("a", "1")]));
    watched.volume = watched.volume.fs_group(gid);
    let changes = watched.changes(&payload([("a", "2")]));
    let swap_at = changes.iter().position(|change| change == SWAP[2]).unwrap();
    for change in ["ATTRIB a", "ATTRIB ..data", "ATTRIB|ISDIR old", "ATTRIB|ISDIR new"] {
        let position = changes.iter().rposition(|other| other == change).unwrap();
        assert!((1..swap_at).contains(&position), "{changes:?}");
    }
    assert_eq!(changes[swap_at..], joined(&[&SWAP[2..], &[END]]));
    let mode = fs::metadata(watched.dir.path().join("a")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn older_kubelets_set_ownership_in_every_sync() {
    let gid = nix::unistd::getgid().as_raw();
    let content = payload([("a", "1")]);
    for (order, expected) in [(Order::LinksAfterSwap, false), (Order::LinksBeforeSwap, true)] {
        let mut watched = Watched::new(order, &content);
        watched.volume = watched.volume.fs_group(gid);
        let changes = watched.changes(&content);
        assert_eq!(changes.iter().any(|change| change.starts_with("ATTRIB")), expected);
    }
}

#[test]
fn keys_with_a_path_are_visible_by_their_first_part() {
    let before = payload([("conf.d/a.conf", "1"), ("conf.d/b.conf", "2")]);
    let watched = Watched::new(Order::LinksAfterSwap, &before);
    let link = fs::read_link(watched.dir.path().join("conf.d")).unwrap();
    assert_eq!(link, Path::new("..data/conf.d"));
    let changes = watched.changes(&payload([("conf.d/a.conf", "1")]));
    assert_eq!(changes, joined(&[&SWAP, &[END]]));
    assert!(!watched.dir.path().join("conf.d/b.conf").exists());
    let changes = watched.changes(&payload([("c", "3")]));
    assert_eq!(changes, joined(&[&SWAP, &["CREATE c", "DELETE conf.d", END]]));
}

#[test]
fn a_directory_is_first_written_in_either_order() {
    for order in ORDERS {
        let dir = tempfile::tempdir().unwrap();
        let volume = Volume::open(dir.path()).unwrap().order(order);
        let mut steps = Vec::new();
        let content = payload([("a", "1")]);
        volume
            .write_with(&content, |step| {
                steps.push((step, dir.path().join("a").is_symlink(), dir.path().join("a").exists()));
                ControlFlow::Continue(())
            })
            .unwrap();
        let linked_first = order == Order::LinksBeforeSwap;
        assert_eq!(steps[0], (Step::PayloadWritten, false, false));
        assert_eq!(steps[1].1, linked_first, "{steps:?}");
        assert_eq!(steps[4], (Step::OldRemoved, true, true));
    }
}

#[test]
fn an_empty_payload_leads_to_an_empty_directory() {
    let watched = Watched::new(Order::LinksAfterSwap, &payload([("a", "1")]));
    assert_eq!(watched.changes(&Payload::new()), joined(&[&SWAP, &["DELETE a", END]]));
    let data = watched.dir.path().join("..data");
    assert_eq!(fs::read_dir(data).unwrap().count(), 0);
}

#[test]
fn a_write_can_stop_half_way_and_be_done_again() {
    let watched = Watched::new(Order::LinksAfterSwap, &payload([("a", "1")]));
    let next = payload([("a", "2"), ("b", "3")]);
    let stop_at =
        |wanted| move |step| if step == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let swap = watched.volume.write_with(&next, stop_at(Step::PayloadWritten)).unwrap();
    assert_eq!(swap.renamed, None);
    assert_eq!(fs::read_to_string(watched.dir.path().join("a")).unwrap(), "1");
    let swap = watched.volume.write_with(&next, stop_at(Step::Swapped)).unwrap();
    assert!(swap.renamed.is_some());
    assert_eq!(watched.visible(), ["a".to_owned()].into());
    // The next sync finds the data in place, and makes the link.
    assert_eq!(watched.volume.write(&next).unwrap().renamed, None);
    assert_eq!(watched.visible(), ["a".to_owned(), "b".to_owned()].into());
}

#[test]
fn the_rename_is_timed() {
    let watched = Watched::new(Order::LinksAfterSwap, &payload([("a", "1")]));
    let start = crate::clock::now();
    let renamed = watched.volume.write(&payload([("a", "2")])).unwrap().renamed.unwrap();
    let times = [start, renamed.before, renamed.after, crate::clock::now()];
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn modes_are_those_of_the_volume() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::open(dir.path()).unwrap().mode(0o400);
    volume.write(&payload([("a", "1")])).unwrap();
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().mode() & 0o777, 0o400);
    let data = fs::metadata(dir.path().join("..data/")).unwrap();
    assert_eq!(data.mode() & 0o777, 0o755);
}

#[test]
fn paths_that_leave_the_volume_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for key in ["", "/a", "../a", "a/../b", "..a", "a//b", "a/"] {
        let error = Volume::create(dir.path(), &payload([(key, "")])).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{key:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
