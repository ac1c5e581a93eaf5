//! `INITIAL_RELOAD`: what was changed while no sidecar ran.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use sidecar_testkit::counter::Mode;
use sidecar_testkit::target::Target;

use crate::support::{DEADLINE, Sidecar, unique_name};
use crate::{Config, HUP, expect_signals, received, wait_apart};

const SUPERSEDED: &str = " superseded pid=";

/// A target that is certain to be older than what comes next.
fn old_target(config: &Config, name: &str) -> Target {
    let target = config.target(name).spawn().unwrap();
    wait_apart();
    target
}

/// A target that is certain to be younger than the configuration.
fn young_target(config: &Config, name: &str) -> Target {
    wait_apart();
    config.target(name).spawn().unwrap()
}

fn start(config: &Config, name: &str, initial_reload: &str) -> Sidecar {
    config.sidecar(name).env("INITIAL_RELOAD", initial_reload).spawn()
}

/// No signal at start; the proof is the next change, which is the first one.
#[track_caller]
fn expect_none(config: &Config, sidecar: &Sidecar, target: &Target) {
    config.change();
    expect_signals(sidecar, target, 1, &config.files());
    assert_eq!(received(target), [HUP]);
}

#[test]
fn auto_is_one_signal_for_a_volume_that_was_swapped_after_the_target_started() {
    let (config, name) = (Config::new(), unique_name());
    let target = old_target(&config, &name);
    config.change();
    // However long ago that was.
    wait_apart();
    config.expect_signals(&start(&config, &name, "auto"), &target, 1);
}

#[test]
fn auto_is_none_for_a_target_that_started_after_the_change() {
    let (config, name) = (Config::new(), unique_name());
    config.change();
    let target = young_target(&config, &name);
    let sidecar = start(&config, &name, "auto");
    let line = sidecar.wait_for_log(SUPERSEDED, DEADLINE);
    assert!(line.contains(&format!(" pid={} process={name} ", target.pid())), "{line}");
    expect_none(&config, &sidecar, &target);
}

/// A kubelet of some years ago sets both at each sync.
#[test]
fn auto_is_none_for_a_mode_or_owner_within_a_volume() {
    let (config, name) = (Config::new(), unique_name());
    let target = young_target(&config, &name);
    wait_apart();
    for path in ["..data", "..data/app.conf"] {
        let path = config.path().join(path);
        fs::set_permissions(&path, Permissions::from_mode(0o750)).unwrap();
        chown(&path, None, Some(2000)).unwrap();
    }
    expect_none(&config, &start(&config, &name, "auto"), &target);
}

#[test]
fn auto_is_none_for_a_target_that_starts_after_the_sidecar() {
    let (config, name) = (Config::new(), unique_name());
    let sidecar = start(&config, &name, "auto");
    let target = young_target(&config, &name);
    sidecar.wait_for_log(SUPERSEDED, DEADLINE);
    expect_none(&config, &sidecar, &target);
}

#[test]
fn never_is_none_even_for_a_change() {
    let (config, name) = (Config::new(), unique_name());
    let target = old_target(&config, &name);
    config.change();
    expect_none(&config, &start(&config, &name, "never"), &target);
}

#[test]
fn always_is_one_even_without_a_change() {
    let (config, name) = (Config::new(), unique_name());
    let target = young_target(&config, &name);
    config.expect_signals(&start(&config, &name, "always"), &target, 1);
}

#[test]
fn a_sidecar_that_is_started_again_has_nothing_to_tell_a_younger_target() {
    let (config, name) = (Config::new(), unique_name());
    let target = young_target(&config, &name);
    for _ in 0..3 {
        let mut sidecar = start(&config, &name, "auto");
        sidecar.wait_for_log(SUPERSEDED, DEADLINE);
        assert_eq!((sidecar.sent(), sidecar.terminate().code()), (0, Some(0)));
    }
    expect_none(&config, &start(&config, &name, "auto"), &target);
}

/// It cannot know what its predecessor sent, and the safe side is a signal too many.
#[test]
fn a_sidecar_that_is_started_again_tells_an_older_target_once() {
    let (config, name) = (Config::new(), unique_name());
    let target = old_target(&config, &name);
    config.change();
    for round in 1..=3 {
        let mut sidecar = start(&config, &name, "auto");
        assert_eq!(sidecar.wait_for_log_lines(" sent signal=", 1, DEADLINE).len(), 1);
        assert_eq!(received(&target), vec![HUP; round]);
        sidecar.terminate();
        assert_eq!(sidecar.sent(), 1);
    }
    config.change();
    let last = start(&config, &name, "auto");
    last.wait_for_log(" sent signal=", DEADLINE);
    assert_eq!(received(&target), [HUP; 4]);
    assert_eq!(target.signals().iter().rfind(|signal| signal.signal == HUP).unwrap().files, config.files());
}

#[test]
fn a_target_that_is_started_again_while_a_change_waits_for_it_has_read_it() {
    let (config, name) = (Config::new(), unique_name());
    let mut deaf = config.target(&name).mode(Mode::Default).spawn().unwrap();
    wait_apart();
    config.change();
    let sidecar = start(&config, &name, "auto");
    sidecar.wait_for_log(" held back signal=", DEADLINE);
    deaf.kill().unwrap();
    let target = young_target(&config, &name);
    let line = sidecar.wait_for_log(SUPERSEDED, DEADLINE);
    assert!(line.contains(&format!(" pid={} process={name} ", target.pid())), "{line}");
    expect_none(&config, &sidecar, &target);
}
