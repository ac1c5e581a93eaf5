//! Changes that cannot be delivered at once: they wait, and are delivered or superseded.

use std::fs;
use std::time::Duration;

use sidecar_testkit::clock;
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Sidecar, open_dir, unique_name};
use crate::{Config, HUP, received, target};

/// Within this time the sidecar tries four times: at once, after 100 ms, 200 ms and 400 ms.
const ATTEMPTS: Duration = Duration::from_secs(1);

const PENDING: &str = "pending digest=";

/// Watches that it warns of what is pending only once.
#[track_caller]
fn expect_one_warning(sidecar: &Sidecar) -> String {
    let line = sidecar.wait_for_log(PENDING, DEADLINE);
    let more = wait::try_until(ATTEMPTS, || Some(sidecar.log_lines(PENDING)).filter(|lines| lines.len() > 1));
    assert_eq!(more, None, "one warning is enough");
    assert!(line.contains(" WARN "), "{line}");
    line
}

/// Waits until the target is certain to be older than what comes next: the kernel counts starts in
/// ticks of 10 ms, and of a target that may have started after a change the sidecar takes the safe side.
#[track_caller]
fn wait_until_old(target: &Target) {
    let started = target.records().iter().find_map(|record| record.started().map(|process| process.ns));
    let old = started.unwrap() + 20_000_000;
    wait::until(DEADLINE, "the target to grow old", || (clock::now() > old).then_some(()));
}

/// A target, and a sidecar that does not find it until the PID file is put in place.
struct Hidden {
    config: Config,
    target: Target,
    sidecar: Sidecar,
    pid_file: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

impl Hidden {
    fn new() -> Self {
        let (config, dir) = (Config::new(), open_dir());
        let pid_file = dir.path().join("pid");
        let target = target(&unique_name());
        wait_until_old(&target);
        let sidecar = config.sidecar().env("PROCESS_PID_FILE", &pid_file).spawn();
        Self { config, target, sidecar, pid_file, _dir: dir }
    }

    fn show(&self) {
        let new = self.pid_file.with_extension("new");
        fs::write(&new, format!("{}\n", self.target.pid())).unwrap();
        fs::rename(new, &self.pid_file).unwrap();
    }

    /// Waits for so many changes in the log: it tells of each when it has tried to deliver it.
    #[track_caller]
    fn wait_for_changes(&self, count: usize) -> Vec<String> {
        self.sidecar.wait_for_log_lines(" changed ", count, DEADLINE)
    }
}

#[test]
fn a_target_that_starts_after_the_change_has_read_it() {
    let (config, name) = (Config::new(), unique_name());
    // Else the namespace would pass for one that is not shared where nothing but the test runs.
    let _other = target(&unique_name());
    let sidecar = config.sidecar_for(&name);
    let at_start = sidecar.wait_for_log(" problem code=no-match ", DEADLINE);
    assert!(at_start.contains(" WARN ") && at_start.contains(&name), "{at_start}");
    config.change();
    let line = expect_one_warning(&sidecar);
    assert!(line.contains(&format!("no process is named {name:?}")), "{line}");

    let target = target(&name);
    let told = sidecar.wait_for_log(" superseded pid=", DEADLINE);
    assert!(told.contains(&format!(" pid={} ", target.pid())), "{told}");
    assert_eq!((received(&target), sidecar.sent()), (vec![], 0));
    config.change_twice(&sidecar, 1, &[&target]);
    assert_eq!(received(&target), [HUP, HUP]);
}

#[test]
fn a_target_that_restarts_during_the_wait_has_read_it() {
    let (config, name) = (Config::new(), unique_name());
    let mut first = target(&name);
    let sidecar = config.sidecar_for(&name);
    config.change_twice(&sidecar, 1, &[&first]);
    assert_eq!(received(&first), [HUP, HUP]);
    first.kill().unwrap();
    config.change();
    expect_one_warning(&sidecar);
    let second = target(&name);
    sidecar.wait_for_log(" superseded pid=", DEADLINE);
    assert_eq!((received(&second), sidecar.sent()), (vec![], 2));
    config.change_twice(&sidecar, 1, &[&second]);
    assert_eq!(received(&second), [HUP, HUP]);
}

#[test]
fn changes_that_wait_together_are_one_signal() {
    let hidden = Hidden::new();
    for count in 1..=3 {
        hidden.config.change();
        hidden.wait_for_changes(count);
    }
    expect_one_warning(&hidden.sidecar);
    hidden.show();
    let sent = hidden.sidecar.wait_for_log(" sent signal=", DEADLINE);
    let changes = hidden.wait_for_changes(3);
    let newest = changes[2].rsplit(" digest=").next().unwrap();
    assert!(sent.contains(&format!(" digest={newest} ")), "{sent} is not of {changes:?}");
    assert_eq!(received(&hidden.target), [HUP]);
    hidden.config.change_twice(&hidden.sidecar, 1, &[&hidden.target]);
    assert_eq!(received(&hidden.target), [HUP; 3]);
}

/// The target started before the first change, so it has what is there again.
#[test]
fn a_change_that_is_taken_back_during_the_wait_is_none() {
    let hidden = Hidden::new();
    hidden.config.change();
    hidden.wait_for_changes(1);
    hidden.config.set(0);
    hidden.wait_for_changes(2);
    hidden.show();
    let sent = wait::try_until(ATTEMPTS, || Some(hidden.sidecar.sent()).filter(|sent| *sent > 0));
    assert_eq!((sent, received(&hidden.target)), (None, vec![]));
    hidden.config.change_twice(&hidden.sidecar, 1, &[&hidden.target]);
    assert_eq!(received(&hidden.target), [HUP, HUP]);
}

/// The same for a target that got the change before it was taken back: it needs both signals.
#[test]
fn a_change_that_is_taken_back_after_its_signal_is_another() {
    let (config, name) = (Config::new(), unique_name());
    let target = target(&name);
    let sidecar = config.sidecar_for(&name);
    for (round, number) in [1, 0, 1].into_iter().enumerate() {
        config.set(number);
        target.wait_for_signals(round + 1, DEADLINE);
    }
    assert_eq!(sidecar.wait_for_log_lines(" sent signal=", 3, DEADLINE).len(), 3);
    assert_eq!(received(&target), [HUP; 3]);
}
