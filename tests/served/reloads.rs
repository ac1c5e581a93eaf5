//! The metrics of reloads and changes: each moves for the reason that its help gives.

use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Sidecar, open_dir, plain_dir, unique_name};
use crate::{Config, Served, target, wait_apart};

const SUCCESSFUL: &str = "reloader_last_reload_successful";
const TIMESTAMP: &str = "reloader_last_reload_success_timestamp_seconds";
const RELOADS: &str = "reloader_reloads_total";
const FAILED: &str = "reloader_reloads_failed_total";
const DELIVERED: &str = "reloader_changes_total{outcome=\"delivered\"}";
const SUPERSEDED: &str = "reloader_changes_total{outcome=\"superseded\"}";
const PENDING: &str = "reloader_change_pending";
const PENDING_SECONDS: &str = "reloader_change_pending_seconds";
const DELIVERIES: &str = "reloader_change_delivery_seconds_count";
const DELIVERY_SUM: &str = "reloader_change_delivery_seconds_sum";

fn seconds_since_1970() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}

/// A target that is not found until the PID file is put in place.
pub(crate) struct Hidden {
    pub(crate) config: Config,
    pub(crate) target: Target,
    pub(crate) served: Served,
    pid_file: PathBuf,
}

impl Hidden {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let config = Config::new();
        let target = target(&unique_name());
        wait_apart();
        let pid_file = config.dir.path().join("pid");
        let builder = Sidecar::builder().config_dir(config.path()).env("PROCESS_PID_FILE", &pid_file);
        let served = Served::start(builder);
        Self { config, target, served, pid_file }
    }

    pub(crate) fn show(&self) {
        let new = self.pid_file.with_extension("new");
        fs::write(&new, format!("{}\n", self.target.pid())).unwrap();
        fs::rename(new, &self.pid_file).unwrap();
    }
}

#[test]
fn a_delivered_change_is_a_reload_that_was_successful() {
    let (config, name) = (Config::new(), unique_name());
    let target = target(&name);
    let served = Served::watching(config.path(), &name);
    let zero = [TIMESTAMP, RELOADS, FAILED, DELIVERED, SUPERSEDED, PENDING, PENDING_SECONDS, DELIVERIES];
    served.expect(&zero.map(|series| (series, 0.0)));
    served.expect(&[(SUCCESSFUL, 1.0)]);
    for round in 1..=3_u8 {
        let before = seconds_since_1970();
        config.change();
        target.wait_for_signals(round.into(), DEADLINE);
        // Who asks is answered after all of a reload.
        let scrape = served.scrape();
        let count = Some(f64::from(round));
        assert_eq!([RELOADS, DELIVERED, DELIVERIES].map(|series| scrape.value(series)), [count; 3]);
        assert_eq!([FAILED, SUPERSEDED, PENDING].map(|series| scrape.value(series)), [Some(0.0); 3]);
        assert_eq!(scrape.value(SUCCESSFUL), Some(1.0));
        let at = scrape.value(TIMESTAMP).unwrap();
        assert!((before..=seconds_since_1970()).contains(&at), "{at} is not after {before}");
    }
}

/// Which is superseded by the start of the target.
#[test]
fn a_pending_change_is_told_of_until_a_target_has_read_it_at_its_start() {
    let (config, name) = (Config::new(), unique_name());
    let served = Served::watching(config.path(), &name);
    let before = Instant::now();
    config.change();
    let first = served.expect_pending();
    let since = Instant::now();
    let later = served.expect_at_least(FAILED, 3.0);
    assert_eq!(later.value(FAILED), later.value(RELOADS), "each further try is an attempt");
    let (least, most) = (since.elapsed(), before.elapsed());
    let seconds = [first, later, served.scrape()].map(|scrape| scrape.value(PENDING_SECONDS).unwrap());
    assert!(seconds[0] > 0.0 && seconds[0] < seconds[1] && seconds[1] < seconds[2], "{seconds:?}");
    assert!(seconds[2] >= least.as_secs_f64() && seconds[1] <= most.as_secs_f64(), "{seconds:?} {most:?}");
    served.expect(&[(DELIVERED, 0.0), (SUPERSEDED, 0.0), (TIMESTAMP, 0.0), (SUCCESSFUL, 0.0)]);

    let _target = target(&name);
    let zero = [(PENDING, 0.0), (PENDING_SECONDS, 0.0), (DELIVERED, 0.0), (DELIVERIES, 0.0)];
    served.expect(&zero);
    let scrape = served.expect(&[(SUPERSEDED, 1.0), (SUCCESSFUL, 1.0)]);
    assert_eq!(scrape.value(RELOADS), scrape.value(FAILED).map(|failed| failed + 1.0));
    assert!(scrape.value(TIMESTAMP).unwrap() > 0.0);
}

#[test]
fn a_pending_change_is_superseded_by_a_newer_one() {
    let hidden = Hidden::new();
    hidden.config.change();
    hidden.served.expect_pending();
    let since = Instant::now();
    for count in 1..=2_u8 {
        hidden.config.change();
        hidden.served.expect(&[(SUPERSEDED, count.into()), (DELIVERED, 0.0), (PENDING, 1.0)]);
    }
    let waited = since.elapsed().as_secs_f64();
    hidden.show();
    let scrape =
        hidden.served.expect(&[(SUPERSEDED, 2.0), (DELIVERED, 1.0), (PENDING, 0.0), (DELIVERIES, 1.0)]);
    let sum = scrape.value(DELIVERY_SUM).unwrap();
    assert!(sum >= waited, "{sum} is not counted from the first of the changes, {waited} ago");
}

#[test]
fn a_delivery_takes_from_the_first_event_to_the_signal() {
    let (dir, name) = (open_dir(), unique_name());
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    let target = target(&name);
    let builder = Sidecar::builder().config_dir(&conf).process_name(&name).env("QUIET_PERIOD", "300ms");
    let served = Served::start(builder);
    let before = Instant::now();
    fs::write(conf.join("a.conf"), "2").unwrap();
    target.wait_for_signals(1, DEADLINE);
    let scrape = served.expect(&[(DELIVERIES, 1.0)]);
    let sum = scrape.value(DELIVERY_SUM).unwrap();
    assert!((0.3..=before.elapsed().as_secs_f64()).contains(&sum), "{sum}");
    let buckets = scrape.series("reloader_change_delivery_seconds_bucket");
    for (bucket, count) in buckets {
        let bound = &bucket.labels["le"];
        let bound: f64 = bound.parse().unwrap();
        assert_eq!(count > 0.5, sum <= bound, "{sum} s and the bucket up to {bound}");
    }
}

/// An attempt that is not made cannot fail.
#[test]
fn a_change_that_waits_for_min_interval_is_pending_and_no_failure() {
    let (config, name) = (Config::new(), unique_name());
    let target = target(&name);
    let builder = Sidecar::builder().config_dir(config.path()).process_name(&name);
    let served = Served::start(builder.env("MIN_INTERVAL", "3s"));
    config.change();
    target.wait_for_signals(1, DEADLINE);
    config.change();
    served.expect(&[(PENDING, 1.0), (SUCCESSFUL, 1.0), (RELOADS, 1.0)]);
    let ready = served.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.ends_with(": it waits for MIN_INTERVAL\n"), "{ready:?}");
    wait::until(DEADLINE, "the second reload", || (served.get("/readyz").status == 200).then_some(()));
    served.expect(&[(PENDING, 0.0), (FAILED, 0.0), (RELOADS, 2.0), (DELIVERED, 2.0), (SUPERSEDED, 0.0)]);
}
