//! Directories that come into a watched tree, move in it, and leave it.

use std::fs;

use crate::support::{Files, files, plain_dir};
use crate::tree::{deep, tree, with};
use crate::{Watched, only};

fn new_sub(text: &str) -> Files {
    with(deep("1"), "new/below/b.conf", text)
}

/// What is in the new directory must be followed, to its depth.
#[track_caller]
fn expect_followed(watched: &Watched) {
    for text in ["2", "3"] {
        watched.notice(&new_sub(text), || fs::write(watched.path("new/below/b.conf"), text).unwrap());
    }
    watched.expect_event("new/below/b.conf");
    watched.expect_quiet();
    watched.notice(&new_sub("4"), || fs::write(watched.path("new/below/b.conf"), "4").unwrap());
}

#[test]
fn a_new_directory_made_in_place_is_one_signal_and_is_followed() {
    let watched = tree(|sidecar| sidecar.env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "10s"));
    watched.notice(&new_sub("1"), || drop(plain_dir(&watched.path("new/below"), &[("b.conf", "1")])));
    expect_followed(&watched);
}

#[test]
fn a_directory_moved_into_the_tree_is_one_signal_and_is_followed() {
    let watched = tree(|sidecar| sidecar);
    plain_dir(&watched.beside("outside/below"), &[("b.conf", "1")]);
    let move_in = || fs::rename(watched.beside("outside"), watched.path("new")).unwrap();
    watched.notice(&new_sub("1"), move_in);
    expect_followed(&watched);
}

#[test]
fn a_directory_renamed_in_the_tree_is_one_signal_and_is_followed() {
    let watched = tree(|sidecar| sidecar);
    let renamed = |text: &str| files([("a.conf", "1"), ("two/two/three/deep.conf", text)]);
    watched.notice(&renamed("1"), || fs::rename(watched.path("one"), watched.path("two")).unwrap());
    for text in ["2", "3"] {
        let edit = || fs::write(watched.path("two/two/three/deep.conf"), text).unwrap();
        watched.notice(&renamed(text), edit);
    }
    // Another in the place of the first is told apart from it.
    let outside = watched.beside("outside");
    plain_dir(&outside, &[("c.conf", "1")]);
    let both = |text: &str| with(renamed("3"), "one/c.conf", text);
    watched.notice(&both("1"), || fs::rename(&outside, watched.path("one")).unwrap());
    watched.notice(&both("2"), || fs::write(watched.path("one/c.conf"), "2").unwrap());
    watched.expect_quiet();
    watched.notice(&with(renamed("4"), "one/c.conf", "2"), || {
        fs::write(watched.path("two/two/three/deep.conf"), "4").unwrap();
    });
}

#[test]
fn a_directory_moved_out_of_the_tree_is_one_signal_and_no_longer_counts() {
    let watched = tree(|sidecar| sidecar);
    let outside = watched.beside("outside");
    watched.notice(&only("1"), || fs::rename(watched.path("one"), &outside).unwrap());
    fs::write(outside.join("two/three/deep.conf"), "unseen").unwrap();
    watched.expect_quiet();
    watched.notice_edit("2");
    // And back, with what changed outside.
    let back = files([("a.conf", "2"), ("one/two/three/deep.conf", "unseen")]);
    watched.notice(&back, || fs::rename(&outside, watched.path("one")).unwrap());
    let edit = || fs::write(watched.path("one/two/three/deep.conf"), "seen").unwrap();
    watched.notice(&files([("a.conf", "2"), ("one/two/three/deep.conf", "seen")]), edit);
}

/// Of a name that does not count to one that does.
fn comes_to_count(name: &str) {
    let watched = tree(|sidecar| sidecar.env("IGNORE", "*.new"));
    plain_dir(&watched.path(name).join("below"), &[("b.conf", "1")]);
    watched.expect_quiet();
    watched.notice(&new_sub("1"), || fs::rename(watched.path(name), watched.path("new")).unwrap());
    expect_followed(&watched);
}

#[test]
fn an_ignored_directory_renamed_to_one_that_counts_is_one_signal_and_is_followed() {
    comes_to_count("dir.new");
}

#[test]
fn a_plumbing_directory_renamed_to_one_that_counts_is_one_signal_and_is_followed() {
    comes_to_count("..dir");
}

#[test]
fn a_directory_renamed_to_an_ignored_name_is_one_signal_and_no_longer_counts() {
    let watched = tree(|sidecar| sidecar.env("IGNORE", "*.bak"));
    watched.notice_any(|| fs::rename(watched.path("one"), watched.path("one.bak")).unwrap());
    for text in ["2", "3"] {
        fs::write(watched.path("one.bak/two/three/deep.conf"), text).unwrap();
    }
    watched.expect_quiet();
    let expected = files([("a.conf", "2"), ("one.bak/two/three/deep.conf", "3")]);
    watched.notice(&expected, || fs::write(watched.path("a.conf"), "2").unwrap());
}

#[test]
fn the_tree_itself_replaced_is_one_signal_and_is_followed() {
    let watched = tree(|sidecar| sidecar);
    let other = watched.beside("other");
    plain_dir(&other, &[("a.conf", "1")]);
    plain_dir(&other.join("one/two/three"), &[("deep.conf", "2")]);
    watched.notice(&deep("2"), || {
        fs::rename(&watched.conf, watched.beside("away")).unwrap();
        fs::rename(&other, &watched.conf).unwrap();
    });
    fs::write(watched.beside("away/one/two/three/deep.conf"), "unseen").unwrap();
    watched.expect_quiet();
    watched.notice(&deep("3"), || fs::write(watched.path("one/two/three/deep.conf"), "3").unwrap());
    watched.expect_event("one/two/three/deep.conf");
}
