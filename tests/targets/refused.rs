//! Signals that the kernel refuses: the sidecar is another user than the target.

use std::time::Duration;

use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Sidecar, unique_name};
use crate::{Config, HUP, NOBODY, received, require_root, target};

/// Within this time the sidecar tries four times: at once, after 100 ms, 200 ms and 400 ms.
const ATTEMPTS: Duration = Duration::from_secs(1);

const REFUSED: &str = "EPERM: the kernel does not let user 65534 signal it";

fn sidecar_of_nobody(config: &Config, name: &str, mode: &str) -> Sidecar {
    config.sidecar().process_name(name).env("PROCESS_SELECT", mode).user(NOBODY, NOBODY).spawn()
}

/// Waits for the warning and checks all that it has to say.
#[track_caller]
fn expect_warning(sidecar: &Sidecar, target: &Target, name: &str) {
    let line = sidecar.wait_for_log("pending digest=", DEADLINE);
    for part in [
        " WARN ",
        REFUSED,
        &format!("cannot signal pid={} process={name}", target.pid()),
        "run the sidecar as the application's user (runAsUser)",
        "as root with capability KILL (drop: [ALL], add: [KILL])",
    ] {
        assert!(line.contains(part), "{line}\nlacks {part}");
    }
}

#[test]
fn the_warning_names_both_mends_and_the_change_waits() {
    require_root();
    let (config, name) = (Config::new(), unique_name());
    let mut foreign = target(&name);
    let mut sidecar = sidecar_of_nobody(&config, &name, "root");
    config.change();
    expect_warning(&sidecar, &foreign, &name);
    let pending = || sidecar.log_lines("pending digest=");
    let more = wait::try_until(ATTEMPTS, || Some(pending()).filter(|lines| lines.len() > 1));
    assert_eq!(more, None, "one warning is enough");
    assert!(sidecar.is_running());
    assert_eq!(received(&foreign), [0; 0]);

    // The application is deployed anew, as the warning says.
    foreign.kill().unwrap();
    let own = Target::builder().named(&name).user(NOBODY, NOBODY).spawn().unwrap();
    sidecar.wait_for_log(" superseded pid=", DEADLINE);
    assert_eq!(received(&own), [0; 0]);
    config.change_twice(&sidecar, 1, &[&own]);
    assert_eq!(received(&own), [HUP, HUP]);
}

#[test]
fn a_target_that_got_its_signal_gets_no_other_while_one_is_refused() {
    require_root();
    let (config, name) = (Config::new(), unique_name());
    let own = Target::builder().named(&name).user(NOBODY, NOBODY).spawn().unwrap();
    let mut foreign = target(&name);
    let sidecar = sidecar_of_nobody(&config, &name, "all");
    for round in 1..=2 {
        config.change();
        sidecar.wait_for_log_lines(" sent signal=", round, DEADLINE);
        expect_warning(&sidecar, &foreign, &name);
        let more = wait::try_until(ATTEMPTS, || Some(sidecar.sent()).filter(|sent| *sent > round));
        assert_eq!(more, None, "only what was refused is tried again");
        assert_eq!(received(&own), vec![HUP; round]);
        assert_eq!(received(&foreign), [0; 0]);
    }
    // Without the one that refuses, nothing is left to do for this change.
    foreign.kill().unwrap();
    let more = wait::try_until(ATTEMPTS, || Some(sidecar.sent()).filter(|sent| *sent > 2));
    assert_eq!(more, None, "the change was delivered already");
    config.change_twice(&sidecar, 1, &[&own]);
    assert_eq!(received(&own), [HUP; 4]);
}
