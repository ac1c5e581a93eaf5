//! The node's limits of inotify: looking takes over where the kernel cannot watch, until it can again.
//!
//! A user namespace has limits of its own, so that those of the machine stay as they are.

use std::fs;

use crate::namespace::available;
use crate::support::{Builder, DEADLINE, Files, files, plain_dir};
use crate::{Watched, events_only, only};

const INSTANCES: &str = "instances";
const WATCHES: &str = "watches";

fn limit(what: &str, most: u32) -> String {
    format!("echo {most} > /proc/sys/user/max_inotify_{what}")
}

/// One warning must name the setting and say whose limit it is.
#[track_caller]
fn expect_warning(watched: &Watched, what: &str) {
    let warning = watched.scene.sidecar.wait_for_log(" polling interval=2000ms: ", DEADLINE);
    let sysctl = format!("fs.inotify.max_user_{what}, which all containers of one user share");
    assert!(warning.contains(&sysctl), "{warning}");
    assert!(warning.contains("WARN") || warning.to_lowercase().contains("warn"), "{warning}");
}

#[track_caller]
fn expect_warnings(watched: &Watched, count: usize) {
    assert_eq!(watched.scene.sidecar.log_lines(" polling interval=").len(), count);
}

#[track_caller]
fn lift(watched: &Watched, what: &str, count: usize) {
    watched.inside(&limit(what, 100));
    let ends = watched.scene.sidecar.wait_for_log_lines("polling ends", count, DEADLINE);
    assert_eq!(ends.len(), count, "{ends:?}");
}

fn limited_at_start(what: &str) {
    if !available() {
        return;
    }
    let watched = Watched::with(|sidecar| events_only(sidecar.within(&limit(what, 0))));
    expect_warning(&watched, what);
    for text in ["2", "3", "4"] {
        watched.notice_edit(text);
    }
    assert_eq!(watched.scene.sidecar.log_lines(" file-event "), [""; 0]);
    watched.expect_quiet();
    expect_warnings(&watched, 1);
    crate::tell(&format!("polled: {} ms at most", watched.longest.take().as_millis()));
    lift(&watched, what, 1);
    for text in ["5", "6"] {
        watched.notice_edit_by_event(text);
    }
    watched.expect_quiet();
    watched.notice_edit("7");
}

#[test]
fn without_an_instance_at_start_changes_are_polled_for_until_there_is_one() {
    limited_at_start(INSTANCES);
}

#[test]
fn without_a_watch_at_start_changes_are_polled_for_until_there_is_one() {
    limited_at_start(WATCHES);
}

#[test]
fn without_an_instance_what_changed_and_changed_back_between_two_looks_is_no_signal() {
    if !available() {
        return;
    }
    let watched = Watched::with(|sidecar| events_only(sidecar.within(&limit(INSTANCES, 0))));
    // A look in between, however unlikely, would need both to be settled.
    fs::write(watched.path("a.conf"), "2").unwrap();
    fs::write(watched.path("a.conf"), "1").unwrap();
    watched.expect_quiet();
    watched.notice_edit("3");
}

#[test]
fn a_directory_made_again_without_a_watch_left_is_polled() {
    if !available() {
        return;
    }
    let watched = Watched::with(|sidecar| events_only(sidecar.within(":")));
    watched.inside(&limit(WATCHES, 0));
    let new = plain_dir(&watched.beside("new"), &[("a.conf", "2")]);
    watched.notice(&only("2"), || {
        fs::rename(&watched.conf, watched.beside("away")).unwrap();
        fs::rename(&new, &watched.conf).unwrap();
    });
    expect_warning(&watched, WATCHES);
    watched.notice_edit("3");
    watched.notice_edit("4");
    watched.expect_quiet();
    lift(&watched, WATCHES, 1);
    watched.notice_edit_by_event("5");
    expect_warnings(&watched, 1);
}

fn recursive(sidecar: Builder) -> Builder {
    events_only(sidecar.env("RECURSIVE", "true"))
}

fn with_sub(text: &str) -> Files {
    files([("a.conf", "1"), ("sub/b.conf", text)])
}

#[test]
fn a_new_subdirectory_without_a_watch_left_is_polled_until_there_is_one() {
    if !available() {
        return;
    }
    let watched = Watched::with(|sidecar| recursive(sidecar.within(":")));
    for round in 1..=2 {
        // One for the directory that is watched already.
        watched.inside(&limit(WATCHES, 1));
        let sub = plain_dir(&watched.beside("sub"), &[("b.conf", "1")]);
        watched.notice(&with_sub("1"), || fs::rename(&sub, watched.path("sub")).unwrap());
        watched.scene.sidecar.wait_for_log_lines(" polling interval=", round, DEADLINE);
        expect_warning(&watched, WATCHES);
        let edit = |text: &str| fs::write(watched.path("sub/b.conf"), text).unwrap();
        for text in ["2", "3"] {
            watched.notice(&with_sub(text), || edit(text));
        }
        watched.expect_quiet();
        lift(&watched, WATCHES, round);
        watched.notice(&with_sub("4"), || edit("4"));
        watched.expect_event("sub/b.conf");
        expect_warnings(&watched, round);
        watched.notice(&only("1"), || fs::rename(watched.path("sub"), &sub).unwrap());
        fs::remove_dir_all(&sub).unwrap();
    }
}

#[test]
fn a_tree_larger_than_the_limit_at_start_is_polled() {
    if !available() {
        return;
    }
    let make = |conf: &std::path::Path| {
        plain_dir(conf, &[("a.conf", "1")]);
        plain_dir(&conf.join("sub"), &[("b.conf", "1")]);
    };
    let watched = Watched::made_by(make, |_, sidecar| recursive(sidecar.within(&limit(WATCHES, 1))));
    expect_warning(&watched, WATCHES);
    watched.notice(&with_sub("2"), || fs::write(watched.path("sub/b.conf"), "2").unwrap());
    watched.expect_quiet();
    lift(&watched, WATCHES, 1);
    watched.notice(&with_sub("3"), || fs::write(watched.path("sub/b.conf"), "3").unwrap());
    watched.expect_event("sub/b.conf");
    expect_warnings(&watched, 1);
}
