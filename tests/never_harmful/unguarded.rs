//! Signals that are sent whatever the target does with them.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use nix::libc::{SIGCONT, SIGKILL};
use sidecar_testkit::counter::Mode;
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Sidecar, unique_name};
use crate::{Config, is_well};

/// A target that handles nothing, and a sidecar that sends it this.
fn unguarded(signal: &str) -> (Config, Target, Sidecar) {
    let (config, name) = (Config::new(), unique_name());
    let target = config.target(&name).mode(Mode::Default).spawn().unwrap();
    let sidecar = config.sidecar(&name).env("RELOAD_SIGNAL", signal).spawn();
    (config, target, sidecar)
}

#[test]
fn what_harms_nobody_is_sent_at_once() {
    for signal in ["SIGWINCH", "SIGCONT", "SIGURG", "SIGCHLD"] {
        let (config, target, sidecar) = unguarded(signal);
        for round in 1..=2 {
            config.change();
            let sent = format!(" sent signal={signal} pid={} ", target.pid());
            assert_eq!(sidecar.wait_for_log_lines(&sent, round, DEADLINE).len(), round);
        }
        assert_eq!(sidecar.log_lines("pending"), [""; 0], "{signal}");
        assert!(is_well(target.pid()), "{signal}");
    }
}

#[test]
fn sigkill_asked_for_by_name_kills() {
    let (config, mut target, sidecar) = unguarded("SIGKILL");
    config.change();
    assert_eq!(target.wait_for_end(DEADLINE).unwrap().signal(), Some(SIGKILL));
    assert_eq!(sidecar.wait_for_log_lines(" sent signal=SIGKILL ", 1, DEADLINE).len(), 1);
}

#[test]
fn sigstop_asked_for_by_name_stops() {
    let (config, target, _sidecar) = unguarded("SIGSTOP");
    config.change();
    wait::until(DEADLINE, "the target to be stopped", || {
        let status = fs::read_to_string(format!("/proc/{}/status", target.pid())).unwrap();
        status.contains("\nState:\tT").then_some(())
    });
    target.send(SIGCONT).unwrap();
    wait::until(DEADLINE, "the target to go on", || is_well(target.pid()).then_some(()));
}
