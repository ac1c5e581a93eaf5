//! Metrics: what is counted, under which name, and what it tells.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::configs::Configs;
use crate::reload::Conclusion;
use crate::signal::Outcome;

/// Names of processes that have series of their own; the others share one, whatever a PID file names.
const MOST_PROCESSES: usize = 16;

/// In place of further names.
const OTHER: &str = "other";

/// From an event to its delivery, in seconds: a kubelet's swap takes about a millisecond, a plain directory
/// `QUIET_PERIOD`, and an application that is away as long as it is away.
const DELIVERY_BUCKETS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

type Seconds = Gauge<f64, AtomicU64>;

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

/// What came of a signal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    process: String,
    result: &'static str,
}

/// A target.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Target {
    process: String,
}

/// Everything that is counted; the event thread counts too.
#[derive(Debug)]
pub(super) struct Metrics {
    last_reload_successful: Gauge,
    last_reload_success_timestamp: Seconds,
    reloads: Counter,
    reloads_failed: Counter,
    pub(super) watches: Gauge,
    pub(super) watch_events: Counter,
    pub(super) watch_errors: Counter,
    changes: Family<Ended, Counter>,
    changes_delivered: Counter,
    pub(super) changes_superseded: Counter,
    pub(super) change_pending: Gauge,
    pub(super) change_pending_for: Seconds,
    change_delivery: Histogram,
    signals: Family<Sent, Counter>,
    signals_held_back: Family<Target, Counter>,
    targets_died: Family<Target, Counter>,
    pub(super) configs: Configs,
    pub(super) polling: Gauge,
    processes: Mutex<BTreeSet<String>>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let changes = Family::<Ended, Counter>::default();
        let ended = |outcome| changes.get_or_create_owned(&Ended { outcome });
        let metrics = Self {
            last_reload_successful: Gauge::default(),
            last_reload_success_timestamp: Seconds::default(),
            reloads: Counter::default(),
            reloads_failed: Counter::default(),
            watches: Gauge::default(),
            watch_events: Counter::default(),
            watch_errors: Counter::default(),
            changes_delivered: ended("delivered"),
            changes_superseded: ended("superseded"),
            changes,
            change_pending: Gauge::default(),
            change_pending_for: Seconds::default(),
            change_delivery: Histogram::new(DELIVERY_BUCKETS),
            signals: Family::default(),
            signals_held_back: Family::default(),
            targets_died: Family::default(),
            configs: Configs::default(),
            polling: Gauge::default(),
            processes: Mutex::default(),
        };
        metrics.last_reload_successful.set(1);
        metrics
    }

    /// The name of a process as a label.
    pub(super) fn process(&self, name: &str) -> String {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        if !processes.contains(name) {
            if processes.len() >= MOST_PROCESSES {
                return OTHER.to_owned();
            }
            processes.insert(name.to_owned());
        }
        name.to_owned()
    }

    /// What was done about one target.
    pub(super) fn count_attempt(&self, process: &str, outcome: &Outcome) {
        let process = || self.process(process);
        let sent = |result| _ = self.signals.get_or_create(&Sent { process: process(), result }).inc();
        match outcome {
            Outcome::Delivered => sent("sent"),
            Outcome::Ignored => sent("ignored"),
            Outcome::Refused(_) => sent("refused"),
            Outcome::Gone => sent("gone"),
            Outcome::HeldBack => {
                self.signals_held_back.get_or_create(&Target { process: process() }).inc();
            }
            Outcome::UpToDate | Outcome::Superseded | Outcome::Undecided => {}
        }
    }

    /// How an attempt ended.
    pub(super) fn count_conclusion(&self, conclusion: &Conclusion, done: Instant) {
        match conclusion {
            Conclusion::Delivered(change) => {
                self.changes_delivered.inc();
                self.change_delivery.observe(done.duration_since(change.first_event).as_secs_f64());
            }
            Conclusion::Superseded(_) => {
                self.changes_superseded.inc();
            }
            Conclusion::Pending { .. } => {
                self.reloads_failed.inc();
            }
            Conclusion::Undecided | Conclusion::Idle => return,
        }
        self.reloads.inc();
        let successful = !matches!(conclusion, Conclusion::Pending { .. });
        self.last_reload_successful.set(successful.into());
        if successful {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.last_reload_success_timestamp.set(since_1970.as_secs_f64());
        }
    }

    /// A target was gone one second after its signal.
    pub(super) fn died(&self, process: &str) {
        self.targets_died.get_or_create(&Target { process: self.process(process) }).inc();
    }

    /// All metrics under the names that are served.
    pub(super) fn registry(&self) -> Registry {
        let mut all = Registry::with_prefix("reloader");
        self.register_reloads(&mut all);
        self.register_watching(&mut all);
        self.register_targets(&mut all);
        all.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        all
    }

    fn register_reloads(&self, all: &mut Registry) {
        all.register(
            "last_reload_successful",
            "Whether the last attempt left nothing pending (0 or 1)",
            self.last_reload_successful.clone(),
        );
        all.register(
            "last_reload_success_timestamp_seconds",
            "Unix time of the last such attempt, 0 before the first",
            self.last_reload_success_timestamp.clone(),
        );
        all.register("reloads", "Attempts, each further try included", self.reloads.clone());
        all.register("reloads_failed", "Attempts that left the change pending", self.reloads_failed.clone());
        all.register(
            "changes",
            "Changes that ended: delivered, or superseded by a target's start or a newer change",
            self.changes.clone(),
        );
        all.register("change_pending", "Whether a change is pending (0 or 1)", self.change_pending.clone());
        all.register(
            "change_pending_seconds",
            "For how long a change is pending",
            self.change_pending_for.clone(),
        );
        all.register(
            "change_delivery_seconds",
            "From the first file event of a change to its delivery",
            self.change_delivery.clone(),
        );
    }

    fn register_watching(&self, all: &mut Registry) {
        all.register("watches", "Watched paths that are there", self.watches.clone());
        all.register("watch_events", "File events", self.watch_events.clone());
        all.register(
            "watch_errors",
            "Errors of watching and reading, dropped events included",
            self.watch_errors.clone(),
        );
        all.register("polling", "Whether paths are polled (0 or 1)", self.polling.clone());
        all.register("config_info", "What each watched path holds", self.configs.clone());
    }

    fn register_targets(&self, all: &mut Registry) {
        all.register("signals", "Signals by target and result", self.signals.clone());
        all.register(
            "signals_held_back",
            "Attempts in which the signal was held back",
            self.signals_held_back.clone(),
        );
        all.register("targets_died", "Targets gone one second after their signal", self.targets_died.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_without_end_share_one_series() {
        let metrics = Metrics::new();
        for number in 0..100 {
            metrics.process(&format!("p{number}"));
        }
        assert_eq!(metrics.process("p3"), "p3");
        assert_eq!(metrics.process("p99"), OTHER);
        assert_eq!(metrics.processes.lock().unwrap().len(), MOST_PROCESSES);
    }
}
