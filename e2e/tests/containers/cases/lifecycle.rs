//! Starts, restarts and ends, of the target and of the sidecar.

use std::time::Duration;

use e2e::run::Run;
use sidecar_testkit::kubelet::Volume;
use sidecar_testkit::wait;

use crate::support::{App, Container, DEADLINE, READY, Scene, config};

/// A scene whose namespace belongs to neither the application nor the sidecar, as in a pod.
fn pod(run: &'static Run) -> (Volume, App, Container, Container, Scene) {
    let mut scene = Scene::new(run);
    let volume = scene.volume("config", &config("1"));
    let pause = scene.pause();
    let app = scene.app(|app| app.in_namespace_of(&pause));
    let sidecar = scene.sidecar(|sidecar| sidecar.in_namespace_of(&pause));
    (volume, app, sidecar, pause, scene)
}

pub(crate) fn a_target_that_starts_after_the_sidecar_gets_the_next_change(run: &'static Run) {
    let mut scene = Scene::new(run);
    let volume = scene.volume("config", &config("1"));
    let pause = scene.pause();
    let sidecar = scene.sidecar(|sidecar| sidecar.in_namespace_of(&pause));
    sidecar.wait_for_log(" problem code=no-match ", 1);
    let app = scene.app(|app| app.in_namespace_of(&pause));
    volume.write(&config("2")).unwrap();
    app.expect_seen(&["2"]);
    volume.write(&config("3")).unwrap();
    app.expect_seen(&["2", "3"]);
}

pub(crate) fn a_restarted_target_gets_the_next_change(run: &'static Run) {
    let (volume, app, _sidecar, _pause, _scene) = pod(run);
    volume.write(&config("2")).unwrap();
    app.expect_seen(&["2"]);
    app.restart();
    app.wait_ready(2);
    volume.write(&config("3")).unwrap();
    app.expect_seen(&["2", "3"]);
    volume.write(&config("4")).unwrap();
    app.expect_seen(&["2", "3", "4"]);
    assert_ne!(app.signals()[0].pid, app.signals()[2].pid);
}

pub(crate) fn a_target_that_was_down_during_a_change_has_read_it_at_its_start(run: &'static Run) {
    let (volume, app, sidecar, _pause, _scene) = pod(run);
    app.stop();
    volume.write(&config("2")).unwrap();
    let changed = sidecar.wait_for_log(" changed path=/config", 1);
    let (_, digest) = changed.rsplit_once(" digest=").unwrap();
    sidecar.wait_for_log("no process is named", 1);
    app.start_again();
    app.wait_ready(2);
    sidecar.wait_for_log(&format!(" digest={digest}: it started after the change"), 1);
    volume.write(&config("3")).unwrap();
    app.expect_seen(&["3"]);
}

/// In the line of the log for each signal.
const SENT: &str = " sent signal=";

/// The first sidecar may have delivered it too, and the second cannot know.
pub(crate) fn a_change_during_a_restart_of_the_sidecar_is_not_lost(run: &'static Run) {
    let (volume, app, sidecar, _pause, _scene) = pod(run);
    std::thread::scope(|threads| {
        threads.spawn(|| sidecar.restart());
        volume.write(&config("2")).unwrap();
    });
    sidecar.wait_for_log(READY, 2);
    let count = wait::until(DEADLINE, "the second sidecar to deliver the change", || {
        let log = sidecar.log();
        let in_second_life = log.rsplit_once(READY)?.1.contains(SENT);
        in_second_life.then(|| log.matches(SENT).count())
    });
    assert!(count <= 2, "{count} signals for one change");
    // The log can be ahead of the target.
    app.wait_for_signals(count);
    assert_eq!(app.seen().last().unwrap(), "2");
    volume.write(&config("3")).unwrap();
    assert_eq!(app.wait_until_seen("3"), count + 1);
    volume.write(&config("4")).unwrap();
    assert_eq!(app.wait_until_seen("4"), count + 2);
}

const STOP: Duration = Duration::from_secs(1);
const STOP_TRIES: usize = 5;

pub(crate) fn docker_stop_takes_under_a_second(run: &'static Run) {
    let (volume, app, sidecar, _scene) = Scene::usual(run);
    volume.write(&config("2")).unwrap();
    app.expect_seen(&["2"]);
    assert_stops(&sidecar);
}

/// The kernel keeps from PID 1 what it does not handle.
pub(crate) fn docker_stop_of_the_sidecar_as_pid_1_takes_under_a_second(run: &'static Run) {
    let mut scene = Scene::new(run);
    scene.volume("config", &config("1"));
    let sidecar = scene.sidecar(|sidecar| sidecar);
    assert_stops(&sidecar);
}

/// The engine's own part in it can take longer on a busy machine: the sidecar gets several tries, a deaf
/// one would need its whole grace at each.
#[track_caller]
fn assert_stops(sidecar: &Container) {
    let mut took = Vec::new();
    for attempt in 1..=STOP_TRIES {
        took.push(sidecar.stop());
        assert_eq!(sidecar.inspect().state.unwrap().exit_code, Some(0));
        if took[attempt - 1] < STOP {
            return;
        }
        sidecar.start_again();
        sidecar.wait_for_log(READY, attempt + 1);
    }
    panic!("docker stop took {took:?}");
}
