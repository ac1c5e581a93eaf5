//! What a snapshot notices besides the digest.

use super::*;
use crate::walk::MOST_NAMES;
use sidecar_testkit::kubelet::Step;
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;

#[test]
fn a_volume_in_the_middle_of_an_update_tears_the_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(&dir.path().join("v"), &payload([("a", "1"), ("b", "1")])).unwrap();
    let mut torn = Vec::new();
    let hook = |step| {
        if tree(dir.path()).notes.is_torn {
            torn.push(step);
        }
        ControlFlow::Continue(())
    };
    volume.write_with(&payload([("a", "1"), ("c", "1")]), hook).unwrap();
    assert_eq!(torn, [Step::Swapped, Step::LinksMade]);
}

/// A file that is mounted by itself looks like this when it was replaced on the other side.
#[test]
fn a_file_without_a_name_is_told() {
    let (_guard, dir) = directory();
    let file = fs::File::open(dir.join("a")).unwrap();
    symlink(format!("/proc/self/fd/{}", file.as_raw_fd()), dir.join("link")).unwrap();
    assert_eq!(snapshot(&dir).notes.warnings, []);
    fs::remove_file(dir.join("a")).unwrap();
    let replaced = Warning::Replaced(dir.join("link"));
    assert_eq!(snapshot(&dir).notes.warnings, [replaced]);
    assert_eq!(names(&snapshot(&dir)), ["b", "link"]);
}

#[test]
fn each_kind_of_warning_is_told_once() {
    let mut notes = Notes::default();
    let unreadable = |name: &str| Warning::Unreadable(name.into());
    for warning in
        [Warning::Cut, unreadable("a"), unreadable("b"), Warning::Replaced("a".into()), Warning::Cut]
    {
        notes.warn(warning);
    }
    assert_eq!(notes.warnings, [Warning::Cut, unreadable("a"), Warning::Replaced("a".into())]);
    assert_eq!(notes.unreadable(), Some(Path::new("a")));
    assert_eq!(Notes::default().unreadable(), None);
}

#[test]
fn too_many_names_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for name in 0..MOST_NAMES {
        symlink("x", dir.path().join(name.to_string())).unwrap();
    }
    assert_eq!(snapshot(dir.path()).notes.warnings, []);
    symlink("x", dir.path().join(MOST_NAMES.to_string())).unwrap();
    let cut = snapshot(dir.path());
    assert_eq!((cut.notes.warnings.as_slice(), cut.entries.len()), (&[Warning::Cut][..], MOST_NAMES));
}

/// As it is while it is removed.
#[test]
fn a_volume_without_its_data_link_is_not_complete() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(&dir.path().join("v"), &payload([("a", "1")])).unwrap();
    let before = snapshot(volume.path());
    assert!(before.is_complete(1, &Snapshot::default()) && snapshot(volume.path()).is_complete(1, &before));
    for name in ["a", "..data"] {
        fs::remove_file(volume.path().join(name)).unwrap();
        assert!(!snapshot(volume.path()).is_complete(1, &before), "without {name}");
    }
}
