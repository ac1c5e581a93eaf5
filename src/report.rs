//! Report: the one place that turns what happened into log lines and metrics.

mod configs;
mod exposition;
mod logger;
mod metrics;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use log::{info, warn};

pub use exposition::{Exposition, Format};
pub use logger::init;
pub(crate) use logger::one_line;

use self::metrics::Metrics;
use crate::check::Problem;
use crate::process::{NoTarget, Pinned, ProcessId};
use crate::reload::{Change, Conclusion};
use crate::settings::{ReloadSignal, Settings};
use crate::signal::{Attempt, Outcome, Watched};
use crate::volume::{Changes, Digest, Snapshot, Warning};
use crate::watch::{Event, EventKind, WatchError};

/// Tells the log and counts.
#[derive(Debug)]
pub struct Report {
    signal: ReloadSignal,
    verbose: bool,
    metrics: Metrics,
}

impl Report {
    /// Nothing has happened yet.
    pub fn new(settings: &Settings) -> Self {
        Self { signal: settings.reload_signal, verbose: settings.verbose, metrics: Metrics::new() }
    }

    /// A watched path at start, which the kubelet writes or not.
    pub fn watching(&self, path: &Path, is_kubelet: bool, snapshot: &Snapshot) {
        let kind = if is_kubelet { "kubelet" } else { "plain" };
        self.metrics.watches.inc();
        self.metrics.configs.set(path, snapshot.digest);
        let (path, names, digest) = (path.display(), snapshot.entries.len(), snapshot.digest);
        info!(path:%, kind, names, digest:%; "watching");
    }

    /// Something that the pod has wrong at start.
    pub fn problem(&self, problem: &Problem) {
        let (code, subject) = (problem.code.name(), problem.subject.as_str());
        let message = format_args!("{}; {}", problem.what, problem.mend);
        warn!(code, subject, message:%; "problem");
    }

    /// A target at start.
    pub fn target(&self, target: &Pinned) {
        info!(pid = target.pid, process = target.name.as_str(), signal:% = self.signal; "target");
    }

    /// Users of a program that knows only 15 bytes of a name learn the whole of it.
    pub fn name_in_full(&self, target: &Pinned) {
        let message = "PROCESS_NAME is the beginning of this name, which can be given in full";
        info!(process = target.name.as_str(), message; "full-name");
    }

    /// One file event.
    pub fn event(&self, event: &Event, counts: bool) {
        self.metrics.watch_events.inc();
        if event.kind == EventKind::Lost {
            self.metrics.watch_errors.inc();
        }
        if self.verbose {
            info!(kind:? = event.kind, path:% = event.path.display(), counts; "file-event");
        }
    }

    /// A settled change of a watched path.
    pub fn changed(&self, path: &Path, before: &Snapshot, after: &Snapshot) {
        self.metrics.configs.set(path, after.digest);
        let names = Changes::between(before, after);
        info!(path:% = path.display(), names:%, before:% = before.digest, digest:% = after.digest; "changed");
    }

    /// A watched path that is not there any more, and whether it could be read until then.
    pub fn gone(&self, path: &Path, was_present: bool) {
        self.metrics.watches.dec_by(was_present.into());
        let message = "watching for its return, nothing is signalled until then";
        warn!(path:% = path.display(), message; "gone");
    }

    /// A watched path that cannot be looked at, and whether it could be read until then.
    pub fn unseen(&self, path: &Path, error: &str, was_present: bool) {
        self.metrics.watches.dec_by(was_present.into());
        self.metrics.watch_errors.inc();
        warn!(path:% = path.display(), message:% = format_args!("{error}; trying again"); "unseen");
    }

    /// The path is there and can be read again.
    pub fn back(&self, path: &Path) {
        self.metrics.watches.inc();
        info!(path:% = path.display(); "back");
    }

    /// The application seems to change its own configuration whenever it reloads.
    pub fn reload_loop(&self, names: &[PathBuf], pause: Duration) {
        let shown: Vec<_> = names.iter().take(3).map(|name| name.display().to_string()).collect();
        let (names, pause_seconds) = (shown.join(" "), pause.as_secs_f64());
        let message = "changed right after the reload, most likely by the application: the next reload waits; IGNORE what \
                       is not configuration";
        warn!(names, pause_seconds, message; "reload-loop");
    }

    /// A change of this watched path may not be noticed.
    pub fn warning(&self, path: &Path, warning: &Warning) {
        let (event, path, message) = match warning {
            Warning::Unreadable(path) => (
                "unreadable",
                path.as_path(),
                "it counts as changed when its inode, size or time changes; let the sidecar read it (same runAsUser, or \
                 a defaultMode that allows it)",
            ),
            Warning::Replaced(path) => (
                "replaced",
                path.as_path(),
                "mounted by itself, and the original was replaced: it never changes again; mount the directory",
            ),
            Warning::Cut => ("cut", path, "names beyond 100,000 are not watched; leave some out with IGNORE"),
        };
        warn!(path:% = path.display(), message; "{event}");
    }

    /// A newer change took the place of one that was pending.
    pub fn superseded_by_newer(&self) {
        self.metrics.changes_superseded.inc();
    }

    /// What was done about one target.
    pub fn attempt(&self, attempt: &Attempt, change: &Change) {
        let Attempt { target, outcome, at } = attempt;
        self.metrics.count_attempt(&target.name, outcome);
        let (signal, pid, process) = (self.signal, target.pid, target.name.as_str());
        let digest = change.digest;
        let after_seconds = at.duration_since(change.first_event).as_secs_f64();
        match outcome {
            Outcome::Delivered => info!(signal:%, pid, process, digest:%, after_seconds; "sent"),
            Outcome::Superseded => {
                let message = "it started after the change and has read it";
                info!(pid, process, digest:%, message; "superseded");
            }
            Outcome::Ignored => {
                let message = "the process ignores it; is RELOAD_SIGNAL the one that makes it reload?";
                warn!(signal:%, pid, process, digest:%, after_seconds, message; "sent");
            }
            Outcome::UpToDate
            | Outcome::Undecided
            | Outcome::Gone
            | Outcome::HeldBack
            | Outcome::Refused(_) => {}
        }
    }

    /// How an attempt ended; returns why the change is still pending.
    pub fn conclusion(
        &self,
        conclusion: &Conclusion,
        no_target: Option<&NoTarget>,
        attempts: &[Attempt],
    ) -> Option<String> {
        let done = attempts.iter().map(|attempt| attempt.at).max().unwrap_or_else(Instant::now);
        self.metrics.count_conclusion(conclusion, done);
        if *conclusion == Conclusion::Undecided {
            return Some("a target blocks or ignores the signal, perhaps for a moment only".into());
        }
        let Conclusion::Pending { tell, change, .. } = conclusion else { return None };
        let reason = why_pending(no_target, attempts, self.signal);
        if *tell {
            let since_seconds = change.first_event.elapsed().as_secs_f64();
            let message = format_args!("{reason}; trying again");
            warn!(digest:% = change.digest, since_seconds, message:%; "pending");
        }
        Some(reason)
    }

    /// A target that is gone a moment after its signal.
    pub fn died(&self, id: ProcessId, watched: &Watched) {
        self.metrics.died(&watched.name);
        let message = "it is gone one second after the signal; see its own log: a configuration that it refuses, \
                       or a signal that ends it";
        let (signal, pid, process) = (self.signal, id.pid, watched.name.as_str());
        warn!(signal:%, pid, process, digest:% = watched.digest, message; "died");
    }

    /// The kernel cannot watch.
    pub fn polling(&self, error: &WatchError, interval: Duration) {
        self.metrics.polling.set(1);
        self.metrics.watch_errors.inc();
        let interval_seconds = interval.as_secs_f64();
        warn!(interval_seconds, message:% = error; "polling");
    }

    /// The kernel watches again.
    pub fn watching_again(&self) {
        self.metrics.polling.set(0);
        info!(message = "inotify watches everything again; polling ends"; "watching-again");
    }

    /// Metrics and probes are served.
    pub fn listening(&self, address: SocketAddr) {
        info!(address:%; "listening");
    }

    /// The target is gone for good.
    pub fn over(&self) {
        info!(message = "the target is gone for good, and EXIT_WITH_TARGET is set"; "over");
    }

    /// The configuration at start, which the targets are taken to have.
    pub fn ready(&self, digest: Digest) {
        info!(digest:%; "ready");
    }

    /// What is served as metrics.
    pub fn exposition(&self) -> Exposition {
        Exposition::new(&self.metrics)
    }

    /// For how long a change is pending, if one is.
    pub fn pending_for(&self, pending: Option<Duration>) {
        self.metrics.change_pending.set(pending.is_some().into());
        self.metrics.change_pending_for.set(pending.unwrap_or_default().as_secs_f64());
    }
}

fn why_pending(no_target: Option<&NoTarget>, attempts: &[Attempt], signal: ReloadSignal) -> String {
    let refused = attempts.iter().find_map(|attempt| match &attempt.outcome {
        Outcome::Refused(refusal) => Some((&attempt.target, refusal)),
        _ => None,
    });
    let held_back = attempts.iter().find(|attempt| matches!(attempt.outcome, Outcome::HeldBack));
    match (refused, held_back, no_target) {
        (Some((target, refusal)), ..) => {
            format!("cannot signal pid={} process={}: {refusal}", target.pid, target.name)
        }
        (None, Some(Attempt { target, .. }), _) => format!(
            "held back signal={signal} from pid={} process={}, which has no handler for it (yet): it would be \
             killed or stopped; SIGNAL_GUARD=off would send it all the same",
            target.pid, target.name
        ),
        (None, None, Some(reason)) => reason.to_string(),
        (None, None, None) => "the target ended".into(),
    }
}
