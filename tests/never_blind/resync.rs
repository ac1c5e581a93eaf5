//! Nothing puts the resync off.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sidecar_testkit::counter::Signal;
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Scene, open_dir, plain_dir};
use crate::{resync, tell};

const EVENTS: Duration = Duration::from_millis(20);

/// Writes the file until `done` is done.
fn while_written<T>(path: &Path, done: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for edit in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                fs::write(path, edit.to_string()).unwrap();
                thread::sleep(EVENTS);
            }
        });
        // Even after a panic, for the scope waits for the writer.
        let _stop = Stop(&stop);
        done()
    })
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A change without an event in `unseen`, while an ignored name in `noisy` is written to all the time.
#[test]
fn events_that_do_not_count_do_not_put_it_off() {
    let dir = open_dir();
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "1").unwrap();
    let noisy = plain_dir(&dir.path().join("noisy"), &[("a.conf", "1")]);
    let unseen = plain_dir(&dir.path().join("unseen"), &[]);
    fs::hard_link(&elsewhere, unseen.join("link.conf")).unwrap();
    let scene = Scene::with(&[&noisy, &unseen], |sidecar| {
        resync(sidecar).env("IGNORE", "*.tmp").env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "10m")
    });
    let rounds = 3;
    let found = while_written(&noisy.join("a.tmp"), || {
        (1..=rounds)
            .map(|round| {
                let since = sidecar_testkit::clock::now();
                fs::write(&elsewhere, format!("round {round}")).unwrap();
                let came = || Some(scene.target.signals()).filter(|signals| signals.len() >= round);
                let took = |signals: &[Signal]| signals[round - 1].ns.saturating_sub(since);
                wait::try_until(DEADLINE, came).map(|signals| (signals.len(), took(&signals)))
            })
            .collect::<Vec<_>>()
    });
    let counts: Vec<_> = found.iter().map(|found| found.map(|(count, _)| count)).collect();
    assert_eq!(counts, (1..=rounds).map(Some).collect::<Vec<_>>());
    let longest = found.iter().flatten().map(|(_, took)| took / 1_000_000).max().unwrap();
    tell(&format!("at most {longest} ms to notice each of {rounds}"));
    scene.expect_no_more_than(rounds);
    fs::write(noisy.join("a.conf"), "fence").unwrap();
    scene.expect_count(rounds + 1);
}

/// While one path is not settled, none is: the change waits with the noise, and no longer than `MAX_WAIT`.
#[test]
fn events_of_another_path_that_count_put_it_off_no_longer_than_the_longest_wait() {
    let dir = open_dir();
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "1").unwrap();
    let noisy = plain_dir(&dir.path().join("noisy"), &[("a.conf", "1")]);
    let unseen = plain_dir(&dir.path().join("unseen"), &[]);
    let link = unseen.join("link.conf");
    fs::hard_link(&elsewhere, &link).unwrap();
    let scene = Scene::with(&[&noisy, &unseen], |sidecar| {
        resync(sidecar).env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "1s")
    });
    while_written(&noisy.join("b.conf"), || {
        for round in 1..=3 {
            let text = format!("round {round}");
            fs::write(&elsewhere, &text).unwrap();
            wait::until(DEADLINE, &text, || {
                let name = link.display().to_string();
                let read = scene.target.signals().last().map(|signal| signal.files[&name].clone());
                (read.as_ref() == Some(&text)).then_some(())
            });
        }
    });
    scene.wait_for_current(&[&noisy, &unseen]);
}

/// In one and the same path the change comes with the noise's own settling.
#[test]
fn a_change_without_an_event_in_a_path_that_is_never_quiet_is_delivered() {
    let dir = open_dir();
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "1").unwrap();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    fs::hard_link(&elsewhere, conf.join("link.conf")).unwrap();
    let scene = Scene::with(&[&conf], |sidecar| {
        resync(sidecar).env("IGNORE", "*.tmp").env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "1s")
    });
    let found = while_written(&conf.join("noise.tmp"), || {
        fs::write(&elsewhere, "2").unwrap();
        wait::try_until(DEADLINE, || scene.target.signals().first().cloned())
    });
    assert_eq!(found.unwrap().files["link.conf"], "2");
    scene.expect_no_more_than(1);
    fs::write(conf.join("a.conf"), "fence").unwrap();
    scene.expect_count(2);
}
