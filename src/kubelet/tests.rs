use super::*;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use sidecar_testkit::kubelet::{Order, Step, Volume, payload as keys};

fn volume() -> (tempfile::TempDir, Volume) {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(&dir.path().join("v"), &keys([("a", "1"), ("b", "1"), (".h", "1")])).unwrap();
    (dir, volume)
}

/// Writes these keys; returns whether the volume is consistent after each step.
fn consistent_at(volume: &Volume, names: &[(&str, &str)]) -> Vec<(Step, bool)> {
    let mut seen = Vec::new();
    let hook = |step| {
        seen.push((step, complete_payload(volume.path()).is_some()));
        ControlFlow::Continue(())
    };
    volume.write_with(&keys(names.iter().copied()), hook).unwrap();
    seen
}

/// In this order, the volume is inconsistent at these steps only.
fn is_inconsistent_only_at(order: Order, names: &[(&str, &str)], steps: &[Step], extra: fn(&Path)) {
    let (_guard, volume) = volume();
    let volume = volume.order(order);
    extra(volume.path());
    assert!(complete_payload(volume.path()).is_some(), "{order:?} before {names:?}");
    let seen = consistent_at(&volume, names);
    assert_eq!(seen.len(), 5);
    for (step, consistent) in seen {
        assert_eq!(consistent, !steps.contains(&step), "{order:?} {step:?} {names:?}");
    }
}

/// What an update does, by its keys, and the steps in which a new kubelet and an old one are in the middle of it.
type Update = (&'static [(&'static str, &'static str)], &'static [Step], &'static [Step]);

const UPDATES: [Update; 4] = [
    (&[("a", "2"), ("b", "1"), (".h", "1")], &[], &[]),
    (&[("a", "1"), ("b", "1"), (".h", "1"), ("c", "1")], &[Step::Swapped], &[Step::LinksMade]),
    (&[("a", "1"), (".h", "1")], &[Step::Swapped, Step::LinksMade], &[Step::Swapped]),
    (
        &[("a", "1"), ("c", "1"), ("d", "1")],
        &[Step::Swapped, Step::LinksMade],
        &[Step::LinksMade, Step::Swapped],
    ),
];

fn every_update_with(extra: fn(&Path)) {
    for (names, new, old) in UPDATES {
        is_inconsistent_only_at(Order::LinksAfterSwap, names, new, extra);
        is_inconsistent_only_at(Order::LinksBeforeSwap, names, old, extra);
    }
}

#[test]
fn a_volume_is_consistent_but_in_the_middle_of_an_update() {
    every_update_with(|_| ());
}

#[test]
fn what_is_not_the_kubelets_does_not_matter_for_consistency() {
    every_update_with(|volume| {
        fs::write(volume.join("note"), "").unwrap();
        fs::create_dir(volume.join("mine")).unwrap();
        symlink("/nowhere", volume.join("foreign")).unwrap();
        symlink("..database/a", volume.join("near")).unwrap();
        symlink("..data/x", volume.join("..x")).unwrap();
        fs::write(volume.join("..note"), "").unwrap();
        fs::write(volume.join(DATA_LINK).join("..note"), "").unwrap();
    });
}

/// The kubelet leaves such a link alone, and fails at such a file.
#[test]
fn a_foreign_link_with_the_name_of_a_key_stands_for_it_and_a_real_file_does_not() {
    let (_guard, volume) = volume();
    let key = volume.path().join("a");
    fs::remove_file(&key).unwrap();
    assert!(complete_payload(volume.path()).is_none());
    fs::write(&key, "").unwrap();
    assert!(complete_payload(volume.path()).is_none());
    fs::remove_file(&key).unwrap();
    symlink("/nowhere", &key).unwrap();
    assert!(complete_payload(volume.path()).is_some());
}

#[test]
fn without_a_data_link_or_behind_a_dangling_one_nothing_is_consistent() {
    let (_guard, volume) = volume();
    let link = volume.path().join(DATA_LINK);
    let directory = payload(volume.path()).unwrap();
    assert!(is_payload_directory(&directory));
    fs::remove_dir_all(volume.path().join(&directory)).unwrap();
    assert_eq!((payload(volume.path()), complete_payload(volume.path()).is_some()), (Some(directory), false));
    fs::remove_file(&link).unwrap();
    assert_eq!((payload(volume.path()), complete_payload(volume.path()).is_some()), (None, false));
    fs::create_dir(&link).unwrap();
    assert_eq!((payload(volume.path()), complete_payload(volume.path()).is_some()), (None, false));
    assert_eq!(payload(&volume.path().join("missing")), None);
}

#[test]
fn the_payload_is_another_directory_after_each_swap_and_no_sooner() {
    let (_guard, volume) = volume();
    let first = payload(volume.path()).unwrap();
    let mut seen = Vec::new();
    let hook = |step| {
        seen.push((step, payload(volume.path()).unwrap() == first));
        ControlFlow::Continue(())
    };
    volume.write_with(&keys([("a", "2")]), hook).unwrap();
    assert_eq!(seen[..2], [(Step::PayloadWritten, true), (Step::Swapped, false)]);
}

#[test]
fn payload_directories_are_known_by_their_date() {
    let table = [
        ("..2026_11_22_10_00_00.123456789", true),
        ("..2026_11_22", true),
        ("..2026_11_22_x", true),
        ("..2026_11_2", false),
        ("..2026-11-22", false),
        ("..202a_11_22", false),
        (".2026_11_22", false),
        ("2026_11_22", false),
        ("x..2026_11_22", false),
        ("..data", false),
        ("..", false),
        ("", false),
    ];
    for (name, expected) in table {
        assert_eq!(is_payload_directory(OsStr::new(name)), expected, "{name}");
    }
}

#[test]
fn names_with_two_dots_in_front_are_the_kubelets() {
    for (name, expected) in [("..data", true), ("..", true), (".h", false), ("a..", false), ("", false)] {
        assert_eq!(is_plumbing(OsStr::new(name)), expected, "{name}");
    }
}

#[test]
fn visible_links_lead_through_the_data_link() {
    let (_guard, volume) = volume();
    symlink("..database/a", volume.path().join("near")).unwrap();
    symlink("/..data/a", volume.path().join("far")).unwrap();
    fs::write(volume.path().join("note"), "").unwrap();
    for (name, expected) in
        [("a", true), (".h", true), ("near", false), ("far", false), ("note", false), ("x", false)]
    {
        assert_eq!(is_visible_link(&volume.path().join(name)), expected, "{name}");
    }
}

/// Makes changes until one is later than this.
fn until_later_than(time: SystemTime, file: &Path) {
    sidecar_testkit::wait::until(std::time::Duration::from_secs(5), "the next tick of the clock", || {
        fs::set_permissions(file, fs::Permissions::from_mode(0o640)).unwrap();
        let changed = crate::walk::changed_at(&fs::metadata(file).unwrap()).unwrap();
        (changed > time).then_some(())
    });
}

#[test]
fn a_volume_is_as_old_as_its_last_write_and_a_chmod_is_not_one() {
    let (_guard, volume) = volume();
    let (path, file) = (volume.path(), volume.path().join("a"));
    let mut last = written_at(path).unwrap();
    until_later_than(last, &file);
    for name in ["a", "", DATA_LINK] {
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(0o750)).unwrap();
    }
    assert_eq!(written_at(path), Some(last), "chmod");
    volume.write(&keys([("a", "2"), ("b", "1")])).unwrap();
    assert!(written_at(path).unwrap() > last, "swap");
    // Links come and go after the swap.
    last = written_at(path).unwrap();
    until_later_than(last, &file);
    fs::remove_file(path.join("b")).unwrap();
    assert!(written_at(path).unwrap() > last, "link");
    // Whoever sets the time of the directory back does not make the swap older.
    let swapped = fs::symlink_metadata(path.join(DATA_LINK)).unwrap().modified().unwrap();
    let times = fs::FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
    fs::File::open(path).unwrap().set_times(times).unwrap();
    assert_eq!(written_at(path), Some(swapped));
    fs::remove_file(path.join(DATA_LINK)).unwrap();
    assert_eq!(written_at(path), None);
}

#[test]
fn access_is_owner_group_and_who_may_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a");
    fs::write(&file, "").unwrap();
    let access = |mode| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        Access::of(&fs::metadata(&file).unwrap())
    };
    for (mode, readable) in [(0o644, 0o444), (0o750, 0o440), (0o733, 0o400), (0o004, 0o004), (0o333, 0)] {
        assert_eq!(access(mode).readable, readable, "{mode:o}");
    }
    if chown(&file, Some(11), Some(12)).is_ok() {
        assert_eq!(access(0o644), Access { owner: 11, group: 12, readable: 0o444 });
    }
}

/// Names and who may read them.
type Files<'a> = &'a [(&'static str, Access)];

#[test]
fn new_files_are_as_accessible_as_those_before() {
    let access = |owner, group, readable| Access { owner, group, readable };
    let before = [("a", access(0, 5, 0o440)), ("b", access(0, 6, 0o444))];
    let table: [(&str, Files<'_>, bool); 12] = [
        ("same", &before, true),
        ("nothing", &[], true),
        ("a name is removed", &[("b", access(0, 6, 0o444))], true),
        ("another group", &[("a", access(0, 0, 0o440)), ("b", access(0, 6, 0o444))], false),
        ("another owner", &[("a", access(1, 5, 0o440))], false),
        ("the group of another file", &[("a", access(0, 6, 0o440))], false),
        ("less readable", &[("a", access(0, 5, 0o400))], false),
        ("otherwise readable", &[("a", access(0, 5, 0o404))], false),
        ("more readable", &[("a", access(0, 5, 0o444))], true),
        ("a new name of a known owner", &[("a", access(0, 5, 0o440)), ("c", access(0, 6, 0))], true),
        ("a new name of a strange group", &[("a", access(0, 5, 0o440)), ("c", access(0, 0, 0o444))], false),
        ("a new name of a strange owner", &[("c", access(1, 5, 0o444))], false),
    ];
    let paths = |all: &[(&'static str, Access)]| -> Vec<(&Path, Access)> {
        all.iter().map(|(name, access)| (Path::new(*name), *access)).collect()
    };
    for (what, after, expected) in table {
        let after = || after.iter().map(|(name, access)| (Path::new(*name), *access));
        assert_eq!(is_as_accessible(&paths(&before), after()), expected, "{what}");
        assert!(is_as_accessible(&[], after()), "no files before: {what}");
    }
}
