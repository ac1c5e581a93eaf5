//! Many changes in a row.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sidecar_testkit::wait;

use crate::Watched;
use crate::support::{Builder, DEADLINE, files};

/// A burst that a busy machine cannot tear apart.
fn patient(sidecar: Builder) -> Builder {
    sidecar.env("QUIET_PERIOD", "1s").env("MAX_WAIT", "1m")
}

#[test]
fn a_burst_of_edits_is_one_signal() {
    let watched = Watched::with(patient);
    for edit in 2..=200 {
        fs::write(watched.path("a.conf"), edit.to_string()).unwrap();
    }
    watched.expect_signal(1, &files([("a.conf", "200"), ("b.conf", "1")]));
}

#[test]
fn a_burst_of_many_files_is_one_signal() {
    let watched = Watched::with(patient);
    let names = (0..200).map(|number| format!("{number}.conf"));
    let mut expected = files([("a.conf", "1"), ("b.conf", "1")]);
    for name in names {
        fs::write(watched.path(&name), "1").unwrap();
        expected.insert(name, "1".to_owned());
    }
    watched.expect_signal(1, &expected);
}

#[test]
fn changed_and_changed_back_is_no_signal() {
    let watched = Watched::with(patient);
    for text in ["2", "1", "3", "1"] {
        fs::write(watched.path("a.conf"), text).unwrap();
    }
    fs::write(watched.path("c.conf"), "1").unwrap();
    fs::remove_file(watched.path("c.conf")).unwrap();
    fs::rename(watched.path("b.conf"), watched.path("z.conf")).unwrap();
    fs::rename(watched.path("z.conf"), watched.path("b.conf")).unwrap();
    // Past the quiet period: a signal would be there then.
    let early = wait::try_until(Duration::from_millis(1500), || {
        (!watched.scene.target.signals().is_empty()).then_some(())
    });
    assert_eq!(early, None);
    watched.expect_no_signal(0, &files([("a.conf", "1"), ("b.conf", "1")]));
}

#[test]
fn a_directory_that_is_never_quiet_is_signalled_all_the_same() {
    let never_quiet = |sidecar: Builder| sidecar.env("QUIET_PERIOD", "1s").env("MAX_WAIT", "1s");
    let watched = Watched::with(never_quiet);
    let (path, stop) = (watched.path("a.conf"), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for edit in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                fs::write(&path, edit.to_string()).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
        });
        // Without a panic, for the scope waits for the writer.
        let enough = || (watched.scene.target.signals().len() >= 2).then_some(());
        let came = wait::try_until(DEADLINE, enough);
        stop.store(true, Ordering::Relaxed);
        assert!(came.is_some(), "signals while the directory was written to");
    });
    fs::write(&path, "last").unwrap();
    let count = watched.scene.wait_for_current(&[&watched.dir]);
    watched.expect_signal(count, &files([("a.conf", "last"), ("b.conf", "1")]));
}
