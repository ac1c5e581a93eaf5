//! More events than the kernel keeps: some are dropped, and what they told of is noticed all the same.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use nix::sys::signal::Signal;
use sidecar_testkit::{clock, wait};

use crate::support::{Builder, DEADLINE, files, plain_dir};
use crate::{Watched, events_only, only, process};

fn ignoring(sidecar: Builder) -> Builder {
    events_only(sidecar.env("IGNORE", "*.tmp"))
}

/// Fills the event queue with what never counts, so that the events of `change` are dropped, each one.
#[track_caller]
fn unseen(watched: &Watched, change: impl FnOnce()) {
    let lost = watched.scene.sidecar.log_lines("file-event kind=Lost").len();
    watched.scene.sidecar.send(Signal::SIGSTOP);
    let stopped = || process::is_stopped(watched.sidecar_pid()).then_some(());
    wait::until(DEADLINE, "the sidecar to stop", stopped);
    flood(&watched.conf);
    change();
    watched.since.set(clock::now());
    watched.scene.sidecar.send(Signal::SIGCONT);
    watched.scene.sidecar.wait_for_log_lines("file-event kind=Lost", lost + 1, DEADLINE);
}

/// Each round is at least two events, for equal ones in a row are one.
fn flood(dir: &Path) {
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    for _ in 0..most.trim().parse::<u32>().unwrap() {
        File::create(dir.join("flood.tmp")).unwrap();
        fs::remove_file(dir.join("flood.tmp")).unwrap();
    }
}

#[test]
fn a_change_whose_events_were_dropped_is_one_signal_for_the_last_state() {
    let watched = Watched::with(ignoring);
    for round in ["2", "4"] {
        watched.notice(&only(round), || {
            unseen(&watched, || {
                fs::write(watched.path("a.conf"), "in between").unwrap();
                fs::write(watched.path("a.conf"), round).unwrap();
            });
        });
        watched.expect_quiet();
        watched.notice_edit_by_event(&format!("{round} and on"));
    }
}

#[test]
fn dropped_events_without_a_change_are_no_signal() {
    let watched = Watched::with(ignoring);
    unseen(&watched, || ());
    watched.expect_quiet();
    watched.notice_edit_by_event("2");
}

#[test]
fn a_directory_replaced_as_events_were_dropped_is_one_signal_and_is_watched() {
    let watched = Watched::with(ignoring);
    let new = plain_dir(&watched.beside("new"), &[("a.conf", "2")]);
    watched.notice(&only("2"), || {
        unseen(&watched, || {
            fs::rename(&watched.conf, watched.beside("away")).unwrap();
            fs::rename(&new, &watched.conf).unwrap();
        });
    });
    watched.notice_edit_by_event("3");
}

/// Makes directories until one has this inode; file systems that never use one again have none.
fn of_inode(inode: u64, beside: &Path) -> Option<std::path::PathBuf> {
    let made = (0..1000).map(|number| beside.join(format!("try {number}")));
    made.into_iter().find(|dir| {
        fs::create_dir(dir).unwrap();
        fs::metadata(dir).unwrap().ino() == inode
    })
}

/// The kernel drops the watch with the directory; the inode's number alone does not tell.
#[test]
fn a_directory_made_again_with_the_same_inode_as_events_were_dropped_is_watched() {
    let watched = Watched::with(ignoring);
    let inode = fs::metadata(&watched.conf).unwrap().ino();
    watched.notice(&only("2"), || {
        unseen(&watched, || {
            fs::remove_dir_all(&watched.conf).unwrap();
            let new = of_inode(inode, watched.dir.path());
            let new = new.unwrap_or_else(|| {
                crate::tell("the file system did not use the inode again");
                plain_dir(&watched.beside("new"), &[])
            });
            fs::write(new.join("a.conf"), "2").unwrap();
            fs::rename(new, &watched.conf).unwrap();
        });
    });
    watched.notice_edit_by_event("3");
}

#[test]
fn a_link_led_elsewhere_as_events_were_dropped_is_one_signal_and_is_followed() {
    let make = |conf: &Path| {
        plain_dir(&conf.with_file_name("old"), &[("a.conf", "1")]);
        symlink("old", conf).unwrap();
    };
    let watched = Watched::made_by(make, |_, sidecar| ignoring(sidecar));
    let (new, link) = (watched.conf.with_file_name("new"), watched.conf.with_file_name("link"));
    plain_dir(&new, &[("a.conf", "2")]);
    watched.notice(&only("2"), || {
        unseen(&watched, || {
            symlink("new", &link).unwrap();
            fs::rename(&link, &watched.conf).unwrap();
        });
    });
    watched.notice_edit("3");
}

#[test]
fn a_subdirectory_that_came_as_events_were_dropped_is_one_signal_and_is_watched() {
    let watched = Watched::with(|sidecar| ignoring(sidecar.env("RECURSIVE", "true")));
    let sub = plain_dir(&watched.beside("sub"), &[("b.conf", "1")]);
    let both = |text: &str| files([("a.conf", "1"), ("sub/b.conf", text)]);
    watched.notice(&both("1"), || {
        unseen(&watched, || fs::rename(&sub, watched.path("sub")).unwrap());
    });
    watched.notice(&both("2"), || fs::write(watched.path("sub/b.conf"), "2").unwrap());
    watched.expect_event("sub/b.conf");
}
