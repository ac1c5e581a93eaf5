//! Directories with all that is below them, by `RECURSIVE`.

use std::fs;
use std::path::Path;

use sidecar_testkit::kubelet::{Volume, payload};

use crate::support::{Builder, Files, files, plain_dir};
use crate::{Watched, events_only, only};

fn recursive(sidecar: Builder) -> Builder {
    events_only(sidecar.env("RECURSIVE", "true"))
}

/// A tree with `a.conf` and `one/two/three/deep.conf`.
pub(crate) fn tree(set: impl FnOnce(Builder) -> Builder) -> Watched {
    let make = |conf: &Path| {
        plain_dir(conf, &[("a.conf", "1")]);
        plain_dir(&conf.join("one/two/three"), &[("deep.conf", "1")]);
    };
    Watched::made_by(make, |_, sidecar| set(recursive(sidecar)))
}

pub(crate) fn deep(text: &str) -> Files {
    files([("a.conf", "1"), ("one/two/three/deep.conf", text)])
}

pub(crate) fn with(mut before: Files, name: &str, text: &str) -> Files {
    before.insert(name.to_owned(), text.to_owned());
    before
}

#[test]
fn a_change_deep_in_the_tree_is_one_signal() {
    let watched = tree(|sidecar| sidecar);
    for text in ["2", "3", "4"] {
        let edit = || fs::write(watched.path("one/two/three/deep.conf"), text).unwrap();
        watched.notice(&deep(text), edit);
    }
    let new = || fs::write(watched.path("one/two/new.conf"), "1").unwrap();
    watched.notice(&with(deep("4"), "one/two/new.conf", "1"), new);
    watched.notice(&deep("4"), || fs::remove_file(watched.path("one/two/new.conf")).unwrap());
    watched.expect_quiet();
    watched.notice(&deep("5"), || fs::write(watched.path("one/two/three/deep.conf"), "5").unwrap());
}

#[test]
fn a_directory_removed_from_the_tree_is_one_signal() {
    let watched = tree(|sidecar| sidecar.env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "10s"));
    watched.notice(&only("1"), || fs::remove_dir_all(watched.path("one")).unwrap());
    watched.expect_quiet();
    // And made again in its place.
    watched.notice(&deep("2"), || {
        plain_dir(&watched.path("one/two/three"), &[("deep.conf", "2")]);
    });
    watched.notice(&deep("3"), || fs::write(watched.path("one/two/three/deep.conf"), "3").unwrap());
}

#[test]
fn ignored_names_anywhere_in_the_tree_are_no_signal() {
    let watched = tree(|sidecar| sidecar.env("IGNORE", "*.bak,cache,one/*.log"));
    let mut expected = deep("1");
    plain_dir(&watched.path("one/cache/below"), &[("x.conf", "1")]);
    expected.insert("one/cache/below/x.conf".to_owned(), "2".to_owned());
    for name in ["x.bak", "one/x.bak", "one/two/three/x.bak", "one/x.log", "one/cache/below/x.conf"] {
        for text in ["1", "2"] {
            fs::write(watched.path(name), text).unwrap();
        }
        expected.insert(name.to_owned(), "2".to_owned());
    }
    watched.expect_quiet();
    // The glob is for this directory only.
    let expected = with(expected, "one/two/x.log", "1");
    watched.notice(&expected, || fs::write(watched.path("one/two/x.log"), "1").unwrap());
    watched.expect_quiet();
    let expected = with(expected, "a.conf", "2");
    watched.notice(&expected, || fs::write(watched.path("a.conf"), "2").unwrap());
}

#[test]
fn names_with_two_dots_in_front_are_no_signal_anywhere_in_the_tree() {
    let watched = tree(|sidecar| sidecar);
    for name in ["..hidden", "one/..hidden", "one/two/three/..2026_01_01_00_00_00.1"] {
        for text in ["1", "2"] {
            fs::write(watched.path(name), text).unwrap();
        }
    }
    plain_dir(&watched.path("one/..dir/below"), &[("x.conf", "1")]);
    fs::write(watched.path("one/..dir/below/x.conf"), "2").unwrap();
    fs::rename(watched.path("one/..hidden"), watched.path("one/..other")).unwrap();
    watched.expect_quiet();
    let edit = || fs::write(watched.path("one/two/three/deep.conf"), "2").unwrap();
    watched.notice_any(edit);
    watched.expect_quiet();
    watched.notice_any(|| fs::write(watched.path("a.conf"), "2").unwrap());
}

#[test]
fn a_volume_in_the_tree_is_one_signal_an_update() {
    let keys = |text: &str| payload([("b.conf", text), ("c.conf", text)]);
    let make = |conf: &Path| {
        plain_dir(conf, &[("a.conf", "1")]);
        drop(Volume::create(&conf.join("vol"), &keys("1")).unwrap());
    };
    let unhurried = |sidecar: Builder| sidecar.env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "10s");
    let watched = Watched::made_by(make, |_, sidecar| unhurried(recursive(sidecar)));
    let volume = Volume::open(&watched.path("vol")).unwrap();
    for text in ["2", "3", "4"] {
        watched.notice_any(|| {
            volume.write(&keys(text)).unwrap();
        });
    }
    watched.expect_quiet();
    watched.notice_any(|| fs::write(watched.path("a.conf"), "2").unwrap());
}

#[test]
fn without_recursive_nothing_below_counts() {
    let watched = tree(|sidecar| sidecar.env("RECURSIVE", "false"));
    fs::write(watched.path("one/two/three/deep.conf"), "2").unwrap();
    fs::write(watched.path("one/new.conf"), "1").unwrap();
    fs::remove_file(watched.path("one/new.conf")).unwrap();
    fs::remove_dir_all(watched.path("one/two")).unwrap();
    watched.expect_quiet();
    watched.notice_edit("2");
}
