//! The guard: what a process does with the signal decides whether it is sent.

use std::time::Duration;

use sidecar_testkit::counter::Mode;
use sidecar_testkit::target::{Builder, Target};

use crate::support::{DEADLINE, Sidecar, unique_name};
use crate::{Config, HUP, expect_signals, is_well, received};

/// SIGRTMIN+5 and SIGRTMIN+3, as the C library counts them.
const RTMIN_5: i32 = 39;
const RTMIN_3: i32 = 37;

const HELD_BACK: &str = " held back signal=";

struct Guarded {
    config: Config,
    name: String,
    target: Target,
    sidecar: Sidecar,
}

impl Guarded {
    #[track_caller]
    fn new(signal: &str, set: impl FnOnce(Builder) -> Builder) -> Self {
        let (config, name) = (Config::new(), unique_name());
        let target = set(config.target(&name)).spawn().unwrap();
        let sidecar = config.sidecar(&name).env("RELOAD_SIGNAL", signal).spawn();
        Self { config, name, target, sidecar }
    }

    /// Each of two changes is one signal of this number.
    #[track_caller]
    fn expect_delivery(&self, number: i32) {
        self.config.change();
        self.config.expect_signals(&self.sidecar, &self.target, 1);
        assert_eq!(received(&self.target), [number; 2]);
    }

    /// The warning is there, with all that it has to say, and no signal.
    #[track_caller]
    fn expect_held_back(&self, signal: &str) {
        let line = self.sidecar.wait_for_log(HELD_BACK, DEADLINE);
        let (pid, name) = (self.target.pid(), &self.name);
        for part in [
            " WARN ",
            " pending digest=",
            " since=",
            &format!("{HELD_BACK}{signal} from pid={pid} process={name},"),
            "SIGNAL_GUARD=off",
        ] {
            assert!(line.contains(part), "{line}\nlacks {part}");
        }
        assert_eq!(self.sidecar.sent(), 0);
    }
}

#[test]
fn a_handler_gets_it() {
    for (signal, number) in [("SIGHUP", HUP), ("SIGRTMIN+5", RTMIN_5)] {
        for threads in [0, 8] {
            let guarded = Guarded::new(signal, |target| target.threads(threads));
            guarded.expect_delivery(number);
            assert_eq!(guarded.sidecar.log_lines("pending"), [""; 0], "{signal}, {threads} threads");
        }
    }
}

/// It is blocked then, in every thread.
#[test]
fn a_signalfd_gets_it() {
    for (signal, number) in [("SIGHUP", HUP), ("SIGRTMIN+5", RTMIN_5)] {
        for threads in [0, 8] {
            let guarded = Guarded::new(signal, |target| target.mode(Mode::Signalfd).threads(threads));
            guarded.expect_delivery(number);
        }
    }
}

/// The sidecar sees it for the first time when a change comes.
#[test]
fn a_signalfd_of_a_target_that_was_started_anew_gets_it() {
    let mut guarded = Guarded::new("SIGHUP", |target| target.mode(Mode::Signalfd));
    guarded.expect_delivery(HUP);
    guarded.target.kill().unwrap();
    guarded.target = guarded.config.target(&guarded.name).mode(Mode::Signalfd).spawn().unwrap();
    for round in 1..=2 {
        guarded.config.change();
        let last = guarded.target.wait_for_signals(round, DEADLINE).pop().unwrap();
        assert_eq!(last.files, guarded.config.files());
    }
    assert_eq!(received(&guarded.target), [HUP; 2]);
    assert_eq!(guarded.sidecar.wait_for_log_lines(" sent signal=", 4, DEADLINE).len(), 4);
}

#[test]
fn who_ignores_it_is_told_of_and_nothing_stays_pending() {
    let guarded = Guarded::new("SIGHUP", |target| target.mode(Mode::Ignore));
    for round in 1..=2 {
        guarded.config.change();
        let lines = guarded.sidecar.wait_for_log_lines(": the process ignores it; ", round, DEADLINE);
        let (pid, name) = (guarded.target.pid(), &guarded.name);
        let sent = format!(" WARN  sent signal=SIGHUP pid={pid} process={name} digest=");
        assert_eq!(lines.len(), round);
        assert!(lines[round - 1].contains(&sent), "{lines:?}\nlacks {sent}");
    }
    assert_eq!(guarded.sidecar.log_lines("pending"), [""; 0]);
    assert!(is_well(guarded.target.pid()));
}

/// The default action of each of them would end or stop it. The threads block them all, but the first.
#[test]
fn who_has_no_handler_survives_and_is_told_of() {
    for signal in ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGTSTP", "SIGRTMIN+3"] {
        for threads in [0, 4] {
            let guarded = Guarded::new(signal, |target| target.mode(Mode::Default).threads(threads));
            guarded.config.change();
            guarded.expect_held_back(signal);
            // The log tells of a change after the attempt.
            guarded.config.change();
            guarded.sidecar.wait_for_log_lines(" changed ", 2, DEADLINE);
            assert_eq!(guarded.sidecar.sent(), 0);
            assert_eq!(guarded.sidecar.log_lines(HELD_BACK).len(), 1, "one warning is enough");
            assert!(is_well(guarded.target.pid()), "{signal}, {threads} threads");
        }
    }
}

#[test]
fn who_installs_a_handler_late_gets_it_once() {
    for (signal, number, mode) in [
        ("SIGHUP", HUP, Mode::Catch),
        ("SIGHUP", HUP, Mode::Signalfd),
        ("SIGRTMIN+3", RTMIN_3, Mode::Catch),
        ("SIGRTMIN+3", RTMIN_3, Mode::Signalfd),
    ] {
        let late = |target: Builder| target.mode(mode).handler_delay(Duration::from_secs(1));
        let guarded = Guarded::new(signal, late);
        guarded.config.change();
        guarded.expect_held_back(signal);
        guarded.config.expect_signals(&guarded.sidecar, &guarded.target, 1);
        assert_eq!(received(&guarded.target), [number; 2], "{mode:?}");
    }
}

/// He who is told to wait gets it later, he who is ready gets it at once; and neither gets it twice.
#[test]
fn one_that_is_held_back_does_not_hold_back_others() {
    let (config, name) = (Config::new(), unique_name());
    let ready = config.target(&name).spawn().unwrap();
    let late = config.target(&name).handler_delay(Duration::from_secs(2)).spawn().unwrap();
    let sidecar = config.sidecar(&name).env("PROCESS_SELECT", "all").spawn();
    config.change();
    expect_signals(&sidecar, &ready, 1, &config.files());
    sidecar.wait_for_log(&format!("{HELD_BACK}SIGHUP from pid={} ", late.pid()), DEADLINE);
    late.wait_for_signals(1, DEADLINE);
    config.change();
    for target in [&ready, &late] {
        assert_eq!(target.wait_for_signals(2, DEADLINE)[1].files, config.files());
        assert_eq!(received(target), [HUP; 2]);
    }
}
