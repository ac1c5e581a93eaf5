//! What happens to a directory and is no change.

use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::time::{Duration, SystemTime};

use nix::unistd::{getegid, geteuid};

use crate::Watched;
use crate::support::{WakeUps, files, is_root};

/// The directory as it was must not be signalled; a later change must be.
#[track_caller]
fn expect_no_signal(watched: &Watched) {
    watched.expect_no_signal(0, &files([("a.conf", "1"), ("b.conf", "1")]));
}

#[test]
fn another_mode_is_no_signal() {
    let watched = Watched::new();
    for mode in [0o600, 0o640, 0o444, 0o644] {
        fs::set_permissions(watched.path("a.conf"), Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(&watched.dir, Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(&watched.dir, Permissions::from_mode(0o755)).unwrap();
    expect_no_signal(&watched);
}

#[test]
fn another_owner_is_no_signal() {
    let watched = Watched::new();
    let (uid, gid) = if is_root() { (12345, 23456) } else { (geteuid().as_raw(), getegid().as_raw()) };
    lchown(watched.path("a.conf"), Some(uid), Some(gid)).unwrap();
    chown(&watched.dir, Some(uid), Some(gid)).unwrap();
    expect_no_signal(&watched);
}

#[test]
fn other_times_are_no_signal() {
    let watched = Watched::new();
    let file = File::open(watched.path("a.conf")).unwrap();
    for time in [SystemTime::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)] {
        file.set_times(FileTimes::new().set_accessed(time).set_modified(time)).unwrap();
        // Alone it looks like a write to inotify.
        file.set_modified(time).unwrap();
    }
    // As touch(1) opens it.
    drop(OpenOptions::new().append(true).create(true).open(watched.path("b.conf")).unwrap());
    File::open(&watched.dir).unwrap().set_modified(SystemTime::now()).unwrap();
    expect_no_signal(&watched);
}

#[test]
fn the_same_bytes_again_are_no_signal() {
    let watched = Watched::new();
    fs::write(watched.path("a.conf"), "1").unwrap();
    fs::write(watched.path("new"), "1").unwrap();
    fs::rename(watched.path("new"), watched.path("b.conf")).unwrap();
    expect_no_signal(&watched);
}

#[test]
fn a_link_in_the_place_of_a_file_with_the_same_bytes_is_no_signal() {
    let watched = Watched::new();
    let outside = watched.outside.path().join("outside.conf");
    fs::write(&outside, "1").unwrap();
    symlink(&outside, watched.path("new")).unwrap();
    fs::rename(watched.path("new"), watched.path("a.conf")).unwrap();
    expect_no_signal(&watched);
}

#[test]
fn reads_are_no_signal_and_no_wake_up() {
    let watched = Watched::new();
    let before = WakeUps::when_idle(watched.scene.sidecar.pid());
    for _ in 0..1000 {
        for entry in fs::read_dir(&watched.dir).unwrap() {
            assert_eq!(fs::read_to_string(entry.unwrap().path()).unwrap(), "1");
        }
    }
    watched.scene.expect_no_more_than(0);
    assert_eq!(WakeUps::of(watched.scene.sidecar.pid()), before);
    expect_no_signal(&watched);
}

#[test]
fn attributes_are_no_wake_up() {
    let watched = Watched::new();
    let before = WakeUps::when_idle(watched.scene.sidecar.pid());
    for mode in [0o600, 0o644].repeat(50) {
        fs::set_permissions(watched.path("a.conf"), Permissions::from_mode(mode)).unwrap();
        lchown(watched.path("a.conf"), None, Some(getegid().as_raw())).unwrap();
        let now = FileTimes::new().set_accessed(SystemTime::now()).set_modified(SystemTime::now());
        File::open(watched.path("a.conf")).unwrap().set_times(now).unwrap();
    }
    watched.scene.expect_no_more_than(0);
    assert_eq!(WakeUps::of(watched.scene.sidecar.pid()), before);
    expect_no_signal(&watched);
}

#[test]
fn ignored_names_are_no_signal() {
    let watched = Watched::with(|sidecar| sidecar.env("IGNORE", "*.bak, token ,.*.sw?"));
    let mut expected = files([("a.conf", "1"), ("b.conf", "1")]);
    for name in ["a.bak", "token", ".a.conf.swp"] {
        fs::write(watched.path(name), "1").unwrap();
        fs::write(watched.path(name), "2").unwrap();
        expected.insert(name.to_owned(), "2".to_owned());
    }
    watched.expect_no_signal(0, &expected);
    expected.insert("fence".to_owned(), "0".to_owned());
    fs::remove_file(watched.path("token")).unwrap();
    expected.remove("token");
    fs::rename(watched.path("a.bak"), watched.path("b.bak")).unwrap();
    let text = expected.remove("a.bak").unwrap();
    expected.insert("b.bak".to_owned(), text);
    watched.expect_no_signal(1, &expected);
}

#[test]
fn an_ignored_name_renamed_to_another_is_one_signal() {
    let watched = Watched::with(|sidecar| sidecar.env("IGNORE", "*.new"));
    fs::write(watched.path("a.new"), "2").unwrap();
    watched.scene.expect_no_more_than(0);
    fs::rename(watched.path("a.new"), watched.path("a.conf")).unwrap();
    watched.expect_signal(1, &files([("a.conf", "2"), ("b.conf", "1")]));
}

#[test]
fn names_with_two_dots_in_front_are_no_signal() {
    let watched = Watched::new();
    for name in ["..hidden", "..data_tmp", "..2026_01_01_00_00_00.1"] {
        fs::write(watched.path(name), "1").unwrap();
        fs::write(watched.path(name), "2").unwrap();
    }
    fs::create_dir(watched.path("..dir")).unwrap();
    fs::write(watched.path("..dir/a.conf"), "1").unwrap();
    fs::remove_file(watched.path("..hidden")).unwrap();
    fs::rename(watched.path("..data_tmp"), watched.path("..other")).unwrap();
    // The target leaves these names out as well.
    expect_no_signal(&watched);
}
