//! An application that changes its own configuration whenever it reloads.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sidecar_testkit::wait;

use crate::support::{DEADLINE, Scene, open_dir, plain_dir};

/// Longer than it takes to reload a change that is not held up.
const SOON: Duration = Duration::from_secs(1);
/// Shorter than what is left of the pause by then.
const BEFORE_THE_PAUSE_ENDS: Duration = Duration::from_secs(4);

/// Writes a state file right after each signal, as long as `work` takes.
fn with_state_written(scene: &Scene, state: &Path, work: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut seen = 0;
            while !is_over.load(Ordering::Relaxed) {
                let signals = scene.target.signals().len();
                if signals > seen {
                    fs::write(state, signals.to_string()).unwrap();
                    seen = signals;
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        work();
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_reload_loop_is_slowed_down_and_reported() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("app.conf", "1")]);
    let scene = Scene::watching(&conf);
    with_state_written(&scene, &conf.join("app.state"), || {
        fs::write(conf.join("app.conf"), "2").unwrap();
        let line = scene.sidecar.wait_for_log(" reload-loop ", DEADLINE);
        assert!(line.contains("app.state") && line.contains("IGNORE"), "{line}");
        let more = wait::try_until(SOON, || (scene.target.signals().len() > 1).then_some(()));
        assert_eq!(more, None, "the reload for the state file waits");
        // A change of anything else does not wait for it.
        fs::write(conf.join("app.conf"), "3").unwrap();
        let signals = scene.target.wait_for_signals(2, BEFORE_THE_PAUSE_ENDS);
        assert_eq!(signals[1].files["app.conf"], "3");
    });
}

#[test]
fn a_state_file_that_is_ignored_is_no_loop() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("app.conf", "1")]);
    let scene = Scene::with(&[&conf], |sidecar| sidecar.env("IGNORE", "*.state"));
    with_state_written(&scene, &conf.join("app.state"), || {
        for count in 1..=5 {
            fs::write(conf.join("app.conf"), format!("edit {count}")).unwrap();
            scene.expect_count(count);
        }
    });
    assert_eq!(scene.sidecar.log_lines(" reload-loop "), [""; 0]);
}
