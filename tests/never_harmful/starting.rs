//! A target that takes its time to install its handler, while the configuration does not stop to change.

use std::os::unix::process::ExitStatusExt;
use std::thread::sleep;
use std::time::Duration;

use sidecar_testkit::clock::{self, Nanos};
use sidecar_testkit::target::Target;

use crate::support::{DEADLINE, Sidecar, unique_name};
use crate::{Config, HUP, is_well, received};

/// How long the target leaves the signal its default action.
const HANDLER_DELAY: Duration = Duration::from_secs(3);
/// The changes end before that.
const CHANGES: Nanos = 2_300_000_000;
const PAUSE: Duration = Duration::from_millis(100);

struct Starting {
    config: Config,
    target: Target,
    sidecar: Sidecar,
}

impl Starting {
    /// Both run, and the target has no handler yet.
    fn new(guard: &str) -> Self {
        let (config, name) = (Config::new(), unique_name());
        let target = config.target(&name).handler_delay(HANDLER_DELAY).spawn().unwrap();
        let sidecar = config.sidecar(&name).env("SIGNAL_GUARD", guard).spawn();
        Self { config, target, sidecar }
    }

    /// Changes the configuration again and again.
    fn keep_changing(&self) {
        let started = self.target.records()[0].started().unwrap().ns;
        assert!(clock::now() < started + CHANGES, "the machine is too slow to change anything in time");
        while clock::now() < started + CHANGES {
            self.config.change();
            sleep(PAUSE);
        }
        assert!(self.target.records().iter().all(|record| record.ready().is_none()), "too late");
    }
}

#[test]
fn it_survives_and_gets_one_signal_for_the_last_configuration() {
    let starting = Starting::new("wait");
    starting.keep_changing();
    assert!(is_well(starting.target.pid()));
    assert_eq!(starting.sidecar.log_lines(" held back signal=").len(), 1, "one warning is enough");
    starting.config.expect_signals(&starting.sidecar, &starting.target, 1);
    assert_eq!(received(&starting.target), [HUP; 2]);
}

/// What saves it above is the guard.
#[test]
fn without_the_guard_it_dies() {
    let mut starting = Starting::new("off");
    starting.config.change();
    let status = starting.target.wait_for_end(DEADLINE).unwrap();
    assert_eq!(status.signal(), Some(HUP), "{status}");
    assert_eq!(starting.target.signals(), []);
}
