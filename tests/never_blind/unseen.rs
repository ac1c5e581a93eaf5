//! Changes that make no event anywhere the kernel was asked to look.

use std::fs;

use crate::support::{Files, files};
use crate::{Watched, events_only, resync};

/// A directory with a file that has a second name elsewhere. To write under that name makes no event in the directory, as
/// on a network file system.
fn with_link(set: fn(crate::Builder) -> crate::Builder) -> Watched {
    let make = |conf: &std::path::Path| {
        let elsewhere = conf.parent().unwrap().join("../../elsewhere");
        fs::write(&elsewhere, "1").unwrap();
        fs::create_dir(conf).unwrap();
        fs::write(conf.join("a.conf"), "1").unwrap();
        fs::hard_link(elsewhere, conf.join("link.conf")).unwrap();
    };
    Watched::made_by(make, |_, sidecar| set(sidecar))
}

fn both(file: &str, link: &str) -> Files {
    files([("a.conf", file), ("link.conf", link)])
}

#[test]
fn a_change_without_an_event_is_one_signal_at_the_next_resync() {
    let watched = with_link(resync);
    for text in ["2", "3", "4", "5", "6"] {
        watched.notice(&both("1", text), || fs::write(watched.beside("elsewhere"), text).unwrap());
    }
    assert_eq!(watched.scene.sidecar.log_lines(" counts=true"), [""; 0]);
    watched.expect_quiet();
    watched.notice(&both("2", "6"), || fs::write(watched.path("a.conf"), "2").unwrap());
}

#[test]
fn without_a_resync_a_change_without_an_event_comes_with_the_next_event() {
    let watched = with_link(events_only);
    fs::write(watched.beside("elsewhere"), "2").unwrap();
    // Three times the interval at which the other test finds it.
    let early = sidecar_testkit::wait::try_until(std::time::Duration::from_secs(3), || {
        (!watched.scene.target.signals().is_empty()).then_some(())
    });
    assert_eq!(early, None);
    watched.notice(&both("2", "2"), || fs::write(watched.path("a.conf"), "2").unwrap());
    watched.expect_quiet();
    watched.notice(&both("3", "2"), || fs::write(watched.path("a.conf"), "3").unwrap());
}

#[test]
fn the_same_bytes_without_an_event_are_no_signal() {
    let watched = with_link(resync);
    for _ in 0..20 {
        fs::write(watched.beside("elsewhere"), "1").unwrap();
    }
    watched.expect_quiet();
    watched.notice(&both("1", "2"), || fs::write(watched.beside("elsewhere"), "2").unwrap());
}
