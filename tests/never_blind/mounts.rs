//! File systems that are mounted on the watched path and unmounted, in a namespace of the sidecar's.

use std::fs;
use std::path::Path;

use crate::namespace::{available, quoted};
use crate::support::{Builder, digest_of, plain_dir};
use crate::{Watched, events_only, only, resync, unhurried};

/// The target, which is in no namespace, reads what is below.
fn on_tmpfs(set: impl FnOnce(Builder) -> Builder) -> Watched {
    let mount = |conf: &Path| {
        let conf = quoted(conf);
        format!("mount -t tmpfs none {conf}\necho above > {conf}/a.conf")
    };
    Watched::made_by(
        |conf| drop(plain_dir(conf, &[("a.conf", "1")])),
        |conf, sidecar| set(sidecar.within(&mount(conf))),
    )
}

/// This must be the next signal, for what `path` holds.
#[track_caller]
fn notice_content_of(watched: &Watched, path: &Path, change: impl FnOnce()) {
    watched.notice_any(change);
    let sent = watched.scene.sidecar.log_lines(" sent signal=").pop().unwrap();
    assert!(sent.contains(&digest_of(&[path])), "{sent}");
}

#[test]
fn a_file_system_unmounted_is_one_signal_for_what_is_below() {
    if !available() {
        return;
    }
    let watched = on_tmpfs(events_only);
    fs::write(watched.path("a.conf"), "covered").unwrap();
    watched.expect_quiet();
    watched.notice(&only("covered"), || watched.inside(&format!("umount {}", quoted(&watched.conf))));
    watched.notice_edit_by_event("2");
    watched.expect_quiet();
    watched.notice_edit("3");
}

#[test]
fn a_file_system_unmounted_to_the_same_content_is_no_signal_and_what_is_below_is_watched() {
    if !available() {
        return;
    }
    let watched = on_tmpfs(events_only);
    fs::write(watched.path("a.conf"), "above\n").unwrap();
    watched.inside(&format!("umount {}", quoted(&watched.conf)));
    watched.expect_quiet();
    watched.notice_edit_by_event("2");
}

#[test]
fn a_directory_mounted_over_is_one_signal_at_the_next_resync_and_so_is_its_unmounting() {
    if !available() {
        return;
    }
    let watched = Watched::with(|sidecar| resync(sidecar.within(":")));
    let conf = quoted(&watched.conf);
    for round in 0..2 {
        let over = plain_dir(&watched.beside("over"), &[("a.conf", &format!("over {round}"))]);
        notice_content_of(&watched, &over, || {
            watched.inside(&format!("mount --bind {} {conf}", quoted(&over)));
        });
        fs::write(watched.path("a.conf"), format!("covered {round}")).unwrap();
        watched.expect_quiet();
        notice_content_of(&watched, &over, || fs::write(over.join("a.conf"), "changed").unwrap());
        watched.notice(&only(&format!("covered {round}")), || watched.inside(&format!("umount {conf}")));
        watched.notice_edit_by_event(&format!("bare {round}"));
    }
}

#[test]
fn another_file_system_in_the_place_of_the_first_is_one_signal() {
    if !available() {
        return;
    }
    let watched = on_tmpfs(|sidecar| unhurried(resync(sidecar)));
    let other = plain_dir(&watched.beside("other"), &[("a.conf", "other")]);
    let (conf, with) = (quoted(&watched.conf), quoted(&other));
    notice_content_of(&watched, &other, || {
        watched.inside(&format!("umount {conf}; mount --bind {with} {conf}"));
    });
    notice_content_of(&watched, &other, || fs::write(other.join("a.conf"), "another").unwrap());
    watched.expect_quiet();
    watched.notice(&only("1"), || watched.inside(&format!("umount {conf}")));
}

#[test]
fn a_parent_unmounted_and_mounted_again_is_followed() {
    if !available() {
        return;
    }
    let watched = Watched::with(|sidecar| unhurried(resync(sidecar.within(":"))));
    let parent = watched.conf.parent().unwrap();
    let other = watched.beside("other");
    let conf = plain_dir(&other.join("conf"), &[("a.conf", "other")]);
    for round in 0..2 {
        notice_content_of(&watched, &conf, || {
            watched.inside(&format!("mount --bind {} {}", quoted(&other), quoted(parent)));
        });
        fs::write(watched.path("a.conf"), format!("covered {round}")).unwrap();
        watched.expect_quiet();
        let below = only(&format!("covered {round}"));
        watched.notice(&below, || watched.inside(&format!("umount {}", quoted(parent))));
    }
}

/// As Docker mounts a single file. An editor or `sed -i` on the other side replaces it.
#[test]
fn a_file_mounted_by_itself_that_is_replaced_is_reported_once() {
    if !available() {
        return;
    }
    let watched = Watched::made_by(
        |conf| {
            plain_dir(conf, &[("a.conf", "1"), ("app.conf", "of the image")]);
            fs::write(conf.parent().unwrap().join("host.conf"), "1").unwrap();
        },
        |conf, sidecar| {
            let (host, conf) = (conf.parent().unwrap().join("host.conf"), conf.join("app.conf"));
            let mount = format!("mount --bind {} {}", quoted(&host), quoted(&conf));
            events_only(sidecar.within(&mount)).env("RESYNC_INTERVAL", "200ms")
        },
    );
    let host = watched.conf.parent().unwrap().join("host.conf");
    watched.notice_any(|| fs::write(&host, "edited in place").unwrap());
    let log = || watched.scene.sidecar.log_lines(" replaced path=");
    assert_eq!(log(), [""; 0]);
    for round in 0..2 {
        let new = watched.beside("new");
        fs::write(&new, round.to_string()).unwrap();
        fs::rename(&new, &host).unwrap();
        let line = watched.scene.sidecar.wait_for_log(" replaced path=", crate::DEADLINE);
        assert!(line.contains("app.conf") && line.contains("mount the directory"), "{line}");
        watched.notice_any(|| fs::write(watched.path("a.conf"), format!("fence {round}")).unwrap());
    }
    assert_eq!(log().len(), 1);
}
