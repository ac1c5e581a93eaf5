//! The PID of a dead target is used again: its new owner is not the target.

use std::fs;
use std::path::PathBuf;

use sidecar_testkit::wait;

use crate::namespace::{Inhabitant, Namespace};
use crate::support::{DEADLINE, unique_name};
use crate::{Config, wait_apart};

const PENDING: &str = "pending digest=";
const SUPERSEDED: &str = " superseded pid=";

struct Scene {
    config: Config,
    name: String,
    namespace: Namespace,
    target: Inhabitant,
}

impl Scene {
    /// A target that is known to the sidecar, and got a signal already.
    fn new() -> Self {
        let (config, name, mut namespace) = (Config::new(), unique_name(), Namespace::new());
        let target = namespace.start(&name, config.path());
        namespace.start_sidecar(config.path(), &[("PROCESS_NAME", &name)]);
        let scene = Self { config, name, namespace, target };
        scene.config.change();
        scene.expect_hups(&scene.target, 1);
        scene
    }

    #[track_caller]
    fn expect_hups(&self, target: &Inhabitant, count: usize) {
        assert_eq!(target.expect_hups(count).files, self.config.files());
    }

    fn kill_target(&mut self) {
        self.namespace.kill(&self.target);
    }

    fn start_as_dead(&mut self, name: &str) -> Inhabitant {
        self.namespace.start_as(self.target.pid, name, self.config.path())
    }

    /// One that has its own PID and starts after the change; nothing is pending then.
    #[track_caller]
    fn start_successor(&mut self) -> Inhabitant {
        wait_apart();
        let successor = self.namespace.start(&self.name, self.config.path());
        self.namespace.wait_for_log(&format!("{SUPERSEDED}{} process={} ", successor.pid, self.name));
        successor
    }

    /// The next two changes are one signal each to the successor, and none to the stranger.
    #[track_caller]
    fn expect_strangers_peace(&mut self, successor: &Inhabitant, stranger: &Inhabitant) {
        for round in 1..=2 {
            self.config.change();
            self.expect_hups(successor, round);
        }
        assert_eq!(self.namespace.received(stranger), []);
        assert_eq!(self.namespace.received(successor).len(), 2);
    }
}

#[test]
fn another_name_gets_nothing_when_a_change_comes() {
    let mut scene = Scene::new();
    scene.kill_target();
    let stranger = scene.start_as_dead(&unique_name());
    scene.config.change();
    scene.namespace.wait_for_log(PENDING);
    let successor = scene.start_successor();
    scene.expect_strangers_peace(&successor, &stranger);
}

#[test]
fn another_name_gets_nothing_while_a_change_is_pending() {
    let mut scene = Scene::new();
    scene.kill_target();
    scene.config.change();
    scene.namespace.wait_for_log(PENDING);
    let stranger = scene.start_as_dead(&unique_name());
    let successor = scene.start_successor();
    scene.expect_strangers_peace(&successor, &stranger);
}

/// A name that only begins like it is another one.
#[test]
fn a_longer_name_gets_nothing() {
    let mut scene = Scene::new();
    scene.kill_target();
    let longer = format!("{}x", scene.name);
    let stranger = scene.start_as_dead(&longer);
    scene.config.change();
    scene.namespace.wait_for_log(PENDING);
    let successor = scene.start_successor();
    scene.expect_strangers_peace(&successor, &stranger);
}

#[test]
fn the_same_name_that_started_after_the_change_has_read_it() {
    let mut scene = Scene::new();
    scene.kill_target();
    scene.config.change();
    scene.namespace.wait_for_log(PENDING);
    wait_apart();
    let name = scene.name.clone();
    let successor = scene.start_as_dead(&name);
    scene.namespace.wait_for_log(&format!("{SUPERSEDED}{} process={name} ", successor.pid));
    assert_eq!(scene.namespace.received(&successor), []);
    for round in 1..=2 {
        scene.config.change();
        scene.expect_hups(&successor, round);
    }
    assert_eq!(scene.namespace.received(&successor).len(), 2);
    // It logs after it sends: one signal to the one that died, two to its successor.
    let sent = || Some(scene.namespace.count(" sent signal=")).filter(|sent| *sent >= 3);
    assert_eq!(wait::until(DEADLINE, "the log of the signals", sent), 3);
}

/// What its predecessor of the same PID got is not its own.
#[test]
fn the_same_name_that_started_before_the_change_gets_it() {
    let mut scene = Scene::new();
    for _ in 0..2 {
        scene.kill_target();
        let name = scene.name.clone();
        scene.target = scene.start_as_dead(&name);
        for round in 1..=2 {
            scene.config.change();
            scene.expect_hups(&scene.target, round);
        }
        assert_eq!(scene.namespace.received(&scene.target).len(), 2);
    }
}

struct PidFile {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

fn pid_file(pid: i32) -> PidFile {
    let dir = crate::support::open_dir();
    let path = dir.path().join("app.pid");
    fs::write(&path, format!("{pid}\n")).unwrap();
    PidFile { path, _dir: dir }
}

/// The PID file is stale, and only `PROCESS_NAME` tells.
#[test]
fn a_pid_file_with_the_pid_of_another_name_gets_nothing() {
    let (config, name, other) = (Config::new(), unique_name(), unique_name());
    let mut namespace = Namespace::new();
    let first = namespace.start(&name, config.path());
    let file = pid_file(first.pid);
    let settings = [("PROCESS_NAME", &*name), ("PROCESS_PID_FILE", file.path.to_str().unwrap())];
    namespace.start_sidecar(config.path(), &settings);
    config.change();
    first.expect_hups(1);
    namespace.kill(&first);

    let stranger = namespace.start_as(first.pid, &other, config.path());
    config.change();
    let line = namespace.wait_for_log(PENDING);
    let expected = format!(" holds {}, which is {other:?} and not the process of PROCESS_NAME", first.pid);
    assert!(line.contains(&expected), "{line}\nlacks {expected}");

    // An application that is started in another container writes the file anew.
    wait_apart();
    let successor = namespace.start(&name, config.path());
    fs::write(&file.path, format!("{}\n", successor.pid)).unwrap();
    namespace.wait_for_log(&format!("{SUPERSEDED}{} process={name} ", successor.pid));
    for round in 1..=2 {
        config.change();
        assert_eq!(successor.expect_hups(round).files, config.files());
    }
    assert_eq!(namespace.received(&stranger), []);
    assert_eq!(namespace.received(&successor).len(), 2);
}
