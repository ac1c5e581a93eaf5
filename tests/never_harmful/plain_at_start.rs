//! `INITIAL_RELOAD=auto` and plain paths: times of files and directories tell what changed while no sidecar
//! ran, also where they were set back.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sidecar_testkit::target::Target;

use crate::support::{Files, Sidecar, files, open_dir, plain_dir, unique_name};
use crate::{HUP, expect_signals, received, wait_apart};

const DAY: Duration = Duration::from_hours(24);

/// As `cp -p`, `tar` and `rsync -t` do.
fn set_back(path: &Path) {
    File::open(path).unwrap().set_modified(SystemTime::now() - DAY).unwrap();
}

/// The change at `watched`, made after the target started and while no sidecar ran, is one signal. The
/// proof is the next change, which is one more.
#[track_caller]
fn expect_one(watched: &Path, change: impl FnOnce(), expected: &[(&str, &str)]) {
    let name = unique_name();
    wait_apart();
    let target = Target::builder().named(&name).read(watched).spawn().unwrap();
    wait_apart();
    change();
    wait_apart();
    let builder = Sidecar::builder().config_dir(watched).process_name(&name);
    let sidecar = builder.env("INITIAL_RELOAD", "auto").spawn();
    let mut expected: Files = files(expected.iter().copied());
    expect_signals(&sidecar, &target, 1, &expected);
    let file = if watched.is_dir() { watched.join("app.conf") } else { watched.to_owned() };
    fs::write(file, "newer").unwrap();
    expected.insert("app.conf".to_owned(), "newer".to_owned());
    expect_signals(&sidecar, &target, 2, &expected);
    assert_eq!(received(&target), [HUP; 2]);
}

/// The same for the file of a directory, and for the file alone.
#[track_caller]
fn expect_one_for_file(change: impl Fn(&Path)) {
    for whole_directory in [true, false] {
        let dir = open_dir();
        let file = plain_dir(dir.path(), &[("app.conf", "old")]).join("app.conf");
        let watched = if whole_directory { dir.path() } else { &file };
        expect_one(watched, || change(&file), &[("app.conf", "new")]);
    }
}

#[test]
fn a_file_that_was_edited_in_place() {
    expect_one_for_file(|file| fs::write(file, "new").unwrap());
}

#[test]
fn a_file_whose_time_was_set_back_after_the_edit() {
    expect_one_for_file(|file| {
        fs::write(file, "new").unwrap();
        set_back(file);
    });
}

#[test]
fn a_file_that_was_replaced_by_an_older_one() {
    expect_one_for_file(|file| {
        let elsewhere = open_dir();
        let new = elsewhere.path().join("new");
        fs::write(&new, "new").unwrap();
        set_back(&new);
        fs::rename(&new, file).unwrap();
    });
}

#[test]
fn a_file_that_was_removed() {
    let dir = open_dir();
    plain_dir(dir.path(), &[("app.conf", "1"), ("other.conf", "2")]);
    expect_one(dir.path(), || fs::remove_file(dir.path().join("other.conf")).unwrap(), &[("app.conf", "1")]);
}

/// As `rsync --archive --delete` leaves it.
#[test]
fn a_file_that_was_removed_from_a_directory_whose_time_was_set_back() {
    let dir = open_dir();
    plain_dir(dir.path(), &[("app.conf", "1"), ("other.conf", "2")]);
    let change = || {
        fs::remove_file(dir.path().join("other.conf")).unwrap();
        set_back(dir.path());
    };
    expect_one(dir.path(), change, &[("app.conf", "1")]);
}

/// What comes in its place was ready before the target started.
#[test]
fn a_directory_that_was_replaced_by_an_older_one() {
    let dir = open_dir();
    let watched = plain_dir(&dir.path().join("conf"), &[("app.conf", "1")]);
    let other = plain_dir(&dir.path().join("other"), &[("app.conf", "2")]);
    let change = || {
        fs::rename(&watched, dir.path().join("old")).unwrap();
        fs::rename(&other, &watched).unwrap();
    };
    expect_one(&watched, change, &[("app.conf", "2")]);
}

/// As deployments with a link to the current release do it.
#[test]
fn a_link_that_was_led_to_an_older_directory() {
    let dir = open_dir();
    plain_dir(&dir.path().join("release-1"), &[("app.conf", "1")]);
    plain_dir(&dir.path().join("release-2"), &[("app.conf", "2")]);
    let (current, new) = (dir.path().join("current"), dir.path().join("new"));
    symlink("release-1", &current).unwrap();
    let change = || {
        symlink("release-2", &new).unwrap();
        fs::rename(&new, &current).unwrap();
    };
    expect_one(&current, change, &[("app.conf", "2")]);
}
