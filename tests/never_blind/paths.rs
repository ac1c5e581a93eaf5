//! The watched path goes away, and something else comes in its place.

use std::fs;
use std::os::unix::fs::symlink;

use sidecar_testkit::kubelet::{Volume, payload};

use crate::support::{files, plain_dir};
use crate::{Watched, only, patient, resync, unhurried};

#[test]
fn a_directory_removed_and_made_again_is_one_signal_each_time() {
    let watched = Watched::with(patient);
    for round in ["2", "4", "6"] {
        watched.notice(&only(round), || {
            fs::remove_dir_all(&watched.conf).unwrap();
            plain_dir(&watched.conf, &[("a.conf", round)]);
        });
        watched.notice_edit_by_event(&format!("{round} and on"));
    }
    watched.expect_quiet();
    watched.notice_edit("fence");
}

#[test]
fn a_grandparent_deleted_and_made_again_is_one_signal_each_time() {
    let watched = Watched::with(patient);
    for round in ["2", "4", "6"] {
        watched.notice(&only(round), || {
            fs::remove_dir_all(watched.beside("top")).unwrap();
            plain_dir(&watched.conf, &[("a.conf", round)]);
        });
        watched.notice_edit_by_event(&format!("{round} and on"));
    }
    watched.expect_quiet();
    watched.notice_edit("fence");
}

#[test]
fn a_directory_replaced_by_a_link_is_one_signal_and_the_link_is_followed() {
    let watched = Watched::with(patient);
    let (away, other) = (watched.beside("away"), plain_dir(&watched.beside("other"), &[("a.conf", "2")]));
    watched.notice(&only("2"), || {
        fs::rename(&watched.conf, &away).unwrap();
        symlink(&other, &watched.conf).unwrap();
    });
    fs::write(away.join("a.conf"), "unseen").unwrap();
    watched.expect_quiet();
    watched.notice_edit("3");
    // The link is replaced by a directory again.
    watched.notice(&only("unseen"), || {
        fs::remove_file(&watched.conf).unwrap();
        fs::rename(&away, &watched.conf).unwrap();
    });
    fs::write(other.join("a.conf"), "unseen too").unwrap();
    watched.expect_quiet();
    watched.notice_edit_by_event("5");
}

#[test]
fn a_parent_replaced_is_one_signal_at_the_next_resync() {
    let watched = Watched::with(resync);
    let parent = watched.conf.parent().unwrap();
    for round in ["2", "4", "6"] {
        let (away, new) = (watched.beside(&format!("away {round}")), watched.beside("new"));
        plain_dir(&new.join("conf"), &[("a.conf", round)]);
        watched.notice(&only(round), || {
            fs::rename(parent, &away).unwrap();
            fs::rename(&new, parent).unwrap();
        });
        fs::write(away.join("conf/a.conf"), "unseen").unwrap();
        watched.expect_quiet();
        watched.notice_edit_by_event(&format!("{round} and on"));
    }
}

#[test]
fn a_parent_replaced_by_an_equal_one_is_no_signal_and_its_directory_is_watched() {
    let watched = Watched::with(resync);
    let (parent, new) = (watched.conf.parent().unwrap(), watched.beside("new"));
    plain_dir(&new.join("conf"), &[("a.conf", "1")]);
    fs::rename(parent, watched.beside("away")).unwrap();
    fs::rename(&new, parent).unwrap();
    // Unseen the first time, perhaps; the watch must be there by the end of the second.
    watched.notice_edit("2");
    watched.notice_edit_by_event("3");
}

#[test]
fn a_grandparent_moved_away_is_gone_and_back_without_a_signal() {
    let watched = Watched::with(|sidecar| unhurried(resync(sidecar)));
    let (top, away) = (watched.beside("top"), watched.beside("away"));
    for round in 1..=2 {
        fs::rename(&top, &away).unwrap();
        watched.scene.sidecar.wait_for_log_lines(" gone path=", round, crate::DEADLINE);
        fs::rename(&away, &top).unwrap();
        watched.scene.sidecar.wait_for_log_lines(" back path=", round, crate::DEADLINE);
        watched.expect_quiet();
        watched.notice_edit_by_event(&format!("{round} and on"));
    }
}

#[test]
fn a_volume_whose_parent_is_replaced_is_one_signal_and_its_updates_are_too() {
    let keys = |text: &str| payload([("a.conf", text), ("b.conf", text)]);
    let both = |text: &str| files([("a.conf", text), ("b.conf", text)]);
    let make = |conf: &std::path::Path| drop(Volume::create(conf, &keys("1")).unwrap());
    let watched = Watched::made_by(make, |_, sidecar| resync(sidecar));
    let (parent, new) = (watched.conf.parent().unwrap(), watched.beside("new"));
    Volume::create(&new.join("conf"), &keys("2")).unwrap();
    watched.notice(&both("2"), || {
        fs::rename(parent, watched.beside("away")).unwrap();
        fs::rename(&new, parent).unwrap();
    });
    let volume = Volume::open(&watched.conf).unwrap();
    for text in ["3", "4"] {
        watched.notice(&both(text), || {
            volume.write(&keys(text)).unwrap();
        });
    }
    let swap = format!("file-event kind=Appeared path={} counts=true", watched.path("..data").display());
    watched.scene.sidecar.wait_for_log(&swap, crate::DEADLINE);
    watched.expect_quiet();
    watched.notice(&both("5"), || {
        volume.write(&keys("5")).unwrap();
    });
}
