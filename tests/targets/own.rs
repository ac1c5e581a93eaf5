//! The sidecar itself is never a target.

use std::fs;
use std::process::Command;

use sidecar_testkit::wait;

use crate::launched::{Launched, as_pid_1, binary};
use crate::support::{DEADLINE, WATCHED, open_dir, unique_name};
use crate::{Config, HUP, received, target};

/// Under a name of its own, because it would else signal the sidecars of other tests.
#[test]
fn its_own_name_is_nobodys() {
    let (config, name, dir) = (Config::new(), unique_name(), open_dir());
    let copy = dir.path().join(&name);
    fs::copy(binary(), &copy).unwrap();
    let mut sidecar = Launched::start(Command::new(&copy), config.path(), &[("PROCESS_NAME", &name)]);
    config.change();
    let line = sidecar.wait_for_log("pending digest=");
    assert!(line.contains(" WARN ") && line.contains(&format!("no process is named {name:?}")), "{line}");
    let ended = wait::try_until(WATCHED, || (!sidecar.is_running()).then_some(()));
    assert_eq!(ended, None, "it tries again, and finds itself again");
    // A process of that name beside it is a target all the same.
    let target = target(&name);
    sidecar.wait_for_log(" superseded pid=");
    for round in 1..=2 {
        config.change();
        target.wait_for_signals(round, DEADLINE);
    }
    assert!(sidecar.is_running());
    assert_eq!(received(&target), [HUP, HUP]);
}

#[test]
fn when_it_is_alone_it_says_how_to_share_the_namespace() {
    let config = Config::new();
    let command = as_pid_1(&Command::new(binary()));
    let name = "config-reloader-sidecar";
    let mut sidecar = Launched::start(command, config.path(), &[("PROCESS_NAME", name)]);
    config.change();
    let line = sidecar.wait_for_log("pending digest=");
    assert!(line.contains(" WARN ") && line.contains("shareProcessNamespace: true"), "{line}");
    config.change();
    wait::until(DEADLINE, "the next change", || (sidecar.log_lines(" changed ").len() == 2).then_some(()));
    assert!(sidecar.is_running());
    assert_eq!(sidecar.log_lines(" sent signal="), [""; 0]);
}
