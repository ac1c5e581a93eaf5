//! The metrics of signals: what came of each, by target.

use std::time::Duration;

use nix::libc::SIGKILL;
use sidecar_testkit::counter::Mode;
use sidecar_testkit::target::Target;

use crate::support::{DEADLINE, Sidecar, is_root, namespace, unique_name};
use crate::{Config, Served, target, wait_apart};

/// A user that owns nothing.
pub(crate) const NOBODY: u32 = 65534;

fn signals(process: &str, result: &str) -> String {
    format!("reloader_signals_total{{process=\"{process}\",result=\"{result}\"}}")
}

fn held_back(process: &str) -> String {
    format!("reloader_signals_held_back_total{{process=\"{process}\"}}")
}

fn died(process: &str) -> String {
    format!("reloader_targets_died_total{{process=\"{process}\"}}")
}

/// The results of signals that there are series of.
#[track_caller]
fn results(served: &Served) -> Vec<String> {
    let scrape = served.scrape();
    scrape.series("reloader_signals_total").map(|(series, _)| series.labels["result"].clone()).collect()
}

#[test]
fn each_signal_that_is_sent_counts() {
    let (config, name) = (Config::new(), unique_name());
    let targets = [target(&name), target(&name)];
    let builder = Sidecar::builder().config_dir(config.path()).process_name(&name);
    let served = Served::start(builder.env("PROCESS_SELECT", "all"));
    assert_eq!(results(&served), [""; 0]);
    for round in 1..=2_u8 {
        config.change();
        for target in &targets {
            target.wait_for_signals(round.into(), DEADLINE);
        }
        let sent = f64::from(round);
        served.expect(&[(&signals(&name, "sent"), 2.0 * sent), ("reloader_reloads_total", sent)]);
    }
    assert_eq!(results(&served), ["sent"]);
}

#[test]
fn one_that_the_target_ignores_is_told_apart() {
    let (config, name) = (Config::new(), unique_name());
    let _target = Target::builder().named(&name).mode(Mode::Ignore).spawn().unwrap();
    let served = Served::watching(config.path(), &name);
    config.change();
    let delivered = ("reloader_changes_total{outcome=\"delivered\"}", 1.0);
    served.expect(&[(&signals(&name, "ignored"), 1.0), delivered]);
    assert_eq!(results(&served), ["ignored"]);
}

#[test]
fn one_that_the_kernel_refuses_counts_with_each_try() {
    assert!(is_root(), "this test needs processes of two users: run the tests as root");
    let (config, name) = (Config::new(), unique_name());
    let _target = target(&name);
    let builder = Sidecar::builder().config_dir(config.path()).process_name(&name);
    let served = Served::start(builder.user(NOBODY, NOBODY));
    config.change();
    let scrape = served.expect_at_least(&signals(&name, "refused"), 3.0);
    let tries = scrape.value("reloader_reloads_failed_total");
    assert_eq!(scrape.value(&signals(&name, "refused")), tries);
    assert_eq!(results(&served), ["refused"]);
}

#[test]
fn one_that_is_held_back_counts_with_each_try_and_is_none_until_it_is_sent() {
    let (config, name) = (Config::new(), unique_name());
    let late = Target::builder().named(&name).handler_delay(Duration::from_secs(2));
    let target = late.spawn().unwrap();
    let served = Served::watching(config.path(), &name);
    config.change();
    let scrape = served.expect_at_least(&held_back(&name), 2.0);
    assert_eq!(scrape.value(&held_back(&name)), scrape.value("reloader_reloads_failed_total"));
    assert_eq!(scrape.value(&signals(&name, "sent")), None);
    target.wait_for_signals(1, DEADLINE);
    let scrape = served.expect(&[(&signals(&name, "sent"), 1.0)]);
    assert_eq!(scrape.value(&held_back(&name)), scrape.value("reloader_reloads_failed_total"));
    assert_eq!(results(&served), ["sent"]);
}

#[test]
fn a_target_that_is_gone_one_second_after_its_signal_counts_and_one_that_lives_does_not() {
    let (config, names) = (Config::new(), [unique_name(), unique_name()]);
    let [doomed, healthy] = [target(&names[0]), target(&names[1])];
    let sidecars = [&names[0], &names[1]].map(|name| Served::watching(config.path(), name));
    config.change();
    doomed.wait_for_signals(1, DEADLINE);
    healthy.wait_for_signals(1, DEADLINE);
    doomed.send(SIGKILL).unwrap();
    sidecars[0].expect(&[(&died(&names[0]), 1.0)]);
    // The next change is a second later: the look at the first was taken.
    config.change();
    healthy.wait_for_signals(2, DEADLINE);
    assert_eq!(sidecars[1].scrape().value(&died(&names[1])), None);
}

/// A target cannot be made to end just between its choice and its signal. One whose state cannot be read is
/// taken for gone too; that it waits for signals, only `status` tells.
#[test]
fn one_whose_target_is_gone_before_it_counts() {
    if !namespace::available() {
        return;
    }
    let (config, name) = (Config::new(), unique_name());
    let target = Target::builder().named(&name).mode(Mode::Signalfd).spawn().unwrap();
    wait_apart();
    let served = Served::start(Sidecar::builder().config_dir(config.path()).process_name(&name).within(":"));
    let status = format!("/proc/{}/status", target.pid());
    namespace::inside(served.sidecar.pid(), &format!("mount --bind /dev/null {status}"));
    config.change();
    let scrape = served.expect_at_least(&signals(&name, "gone"), 2.0);
    assert_eq!(scrape.value(&signals(&name, "gone")), scrape.value("reloader_reloads_failed_total"));
    assert_eq!(results(&served), ["gone"]);
    namespace::inside(served.sidecar.pid(), &format!("umount {status}"));
    target.wait_for_signals(1, DEADLINE);
    served.expect(&[(&signals(&name, "sent"), 1.0)]);
}
