//! A further target comes where nothing else has come for long.

use std::time::{Duration, Instant};

use sidecar_testkit::wait;

use crate::Config;
use crate::namespace::{Inhabitant, Namespace};
use crate::support::{DEADLINE, unique_name};

/// Longer than the sidecar takes a fork to last, so that it lists no processes any more.
const LONG: Duration = Duration::from_millis(1500);

struct Scene {
    config: Config,
    name: String,
    namespace: Namespace,
    first: Inhabitant,
    changes: usize,
}

impl Scene {
    fn new() -> Self {
        let (config, name, mut namespace) = (Config::new(), unique_name(), Namespace::new());
        let first = namespace.start(&name, config.path());
        Self { config, name, namespace, first, changes: 0 }
    }

    /// Nothing comes, and change follows change.
    #[track_caller]
    fn watch_in_quiet(&mut self) {
        self.namespace.start_sidecar(self.config.path(), &[("PROCESS_NAME", &self.name)]);
        let start = Instant::now();
        while start.elapsed() < LONG {
            self.change();
        }
    }

    #[track_caller]
    fn change(&mut self) {
        self.changes += 1;
        self.config.change();
        self.first.expect_hups(self.changes);
    }

    /// The next two changes are a signal each to the newcomer too.
    #[track_caller]
    fn expect_counts(&mut self, newcomer: i32) {
        for round in 1..=2 {
            self.change();
            let sent = || self.namespace.count(&format!(" sent signal=SIGHUP pid={newcomer} "));
            wait::until(DEADLINE, &format!("signal {round} to the newcomer"), || {
                (sent() >= round).then_some(())
            });
            assert_eq!(sent(), round);
        }
    }
}

#[test]
fn one_that_is_born_counts_from_the_next_change() {
    let mut scene = Scene::new();
    scene.watch_in_quiet();
    let newcomer = scene.namespace.start(&scene.name, scene.config.path());
    scene.expect_counts(newcomer.pid);
}

#[test]
fn one_that_executes_the_target_counts_from_the_next_change() {
    let mut scene = Scene::new();
    let newcomer = scene.namespace.start_waiting(&scene.name);
    scene.watch_in_quiet();
    scene.namespace.let_go();
    scene.expect_counts(newcomer);
}
