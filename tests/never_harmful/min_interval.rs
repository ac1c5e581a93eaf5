//! `MIN_INTERVAL`: changes that come too fast are merged, and none of them is lost.

use std::thread::sleep;
use std::time::Duration;

use crate::support::{DEADLINE, files, unique_name};
use crate::{Config, HUP, expect_signals, received};

const MIN_INTERVAL: Duration = Duration::from_secs(2);
const CHANGES: usize = 10;
const PAUSE: Duration = Duration::from_millis(50);

#[test]
fn ten_changes_are_one_signal_at_once_and_one_for_the_last() {
    let (config, name) = (Config::new(), unique_name());
    let target = config.target(&name).spawn().unwrap();
    let sidecar = config.sidecar(&name).env("MIN_INTERVAL", "2s").spawn();
    config.change();
    let first = target.wait_for_signals(1, DEADLINE).remove(0);
    assert_eq!(first.files, files([("app.conf", "version = 1\n")]));
    for _ in 1..CHANGES {
        sleep(PAUSE);
        config.change();
    }
    expect_signals(&sidecar, &target, 2, &config.files());
    let second = target.signals().remove(1);
    let apart = Duration::from_nanos(second.ns - first.ns);
    // The sidecar counts from when it had sent the signal, the target from when it came.
    let tolerance = Duration::from_millis(20);
    assert!(apart + tolerance >= MIN_INTERVAL && apart < MIN_INTERVAL * 3, "{apart:?} apart");

    // The next one has to wait as well.
    config.change();
    expect_signals(&sidecar, &target, 3, &config.files());
    let third = target.signals().remove(2);
    assert!(Duration::from_nanos(third.ns - second.ns) + tolerance >= MIN_INTERVAL);
    assert_eq!(received(&target), [HUP; 3]);
    assert_eq!(sidecar.log_lines("pending"), [""; 0], "a rest is no trouble");
}
