//! Report: the one place that turns what happened into log lines.

mod logger;

use std::path::Path;
use std::time::Duration;

use log::{info, warn};

pub use logger::init;
pub(crate) use logger::one_line;

use crate::process::{NoTarget, Pinned, ProcessId};
use crate::reload::{Change, Conclusion};
use crate::settings::{ReloadSignal, Settings};
use crate::signal::{Attempt, Outcome, Watched};
use crate::volume::{Changes, Digest, Layout, Snapshot};
use crate::watch::{Event, WatchError};

/// A watched path at start.
pub fn watching(path: &Path, layout: &Layout, snapshot: &Snapshot) {
    let kind = match layout {
        Layout::Plain => "plain",
        Layout::Kubelet(_) => "kubelet",
    };
    let (path, names, digest) = (path.display(), snapshot.entries().len(), snapshot.digest());
    info!(path:%, kind, names, digest:%; "watching");
}

/// The targets at start.
pub fn targets_at_start(targets: &Result<Vec<Pinned>, NoTarget>, settings: &Settings) {
    let signal = settings.reload_signal;
    match targets {
        Ok(targets) => targets.iter().for_each(|target| {
            info!(pid = target.pid, process = target.name.as_str(), signal:%; "target");
        }),
        Err(reason) => warn!(message:% = reason; "no-target"),
    }
}

/// Users of a program that knows only 15 bytes of a name learn the whole of it.
pub fn name_in_full(target: &Pinned) {
    let message = "PROCESS_NAME is the beginning of this name, which can be given in full";
    info!(process = target.name.as_str(), message; "full-name");
}

/// One file event, for `VERBOSE`.
pub fn event(event: &Event, counts: bool) {
    info!(kind:? = event.kind, path:% = event.path.display(), counts; "file-event");
}

/// A settled change of a watched path.
pub fn changed(path: &Path, before: &Snapshot, after: &Snapshot) {
    let names = Changes::between(before, after);
    info!(path:% = path.display(), names:%, before:% = before.digest(), digest:% = after.digest(); "changed");
}

/// A watched path that is not there, or there again.
pub fn presence(path: &Path, present: bool) {
    let path = path.display();
    if present {
        info!(path:%; "back");
    } else {
        warn!(path:%, message = "watching for its return, nothing is signalled until then"; "gone");
    }
}

/// Anything that is survived.
pub fn survived(error: &dyn std::error::Error) {
    warn!(message:% = error; "survived");
}

/// A file that counts by identity.
pub fn unreadable(path: &Path) {
    let message = "it counts as changed when its inode, size or time changes; to compare contents, let the \
                   sidecar read it (same runAsUser, or a defaultMode that allows it)";
    warn!(path:% = path.display(), message; "unreadable");
}

/// What was done about one target.
pub fn attempt(attempt: &Attempt, signal: ReloadSignal, change: &Change) {
    let (pid, process, digest) = (attempt.target.pid, attempt.target.name.as_str(), change.digest);
    let after_seconds = attempt.at.duration_since(change.first_event).as_secs_f64();
    match attempt.outcome {
        Outcome::Delivered => info!(signal:%, pid, process, digest:%, after_seconds; "sent"),
        Outcome::Superseded => {
            let message = "it started after the change and has read it";
            info!(pid, process, digest:%, message; "superseded");
        }
        Outcome::Ignored => {
            let message = "the process ignores it; is RELOAD_SIGNAL the one that makes it reload?";
            warn!(signal:%, pid, process, digest:%, after_seconds, message; "sent");
        }
        Outcome::UpToDate | Outcome::Undecided | Outcome::Gone | Outcome::HeldBack | Outcome::Refused(_) => {}
    }
}

/// Why a change is still pending; only where the state machine asks for it.
pub fn conclusion(
    conclusion: &Conclusion,
    no_target: Option<&NoTarget>,
    attempts: &[Attempt],
    signal: ReloadSignal,
) {
    let Conclusion::Pending { tell: true, change, .. } = conclusion else { return };
    let since_seconds = change.first_event.elapsed().as_secs_f64();
    warn!(digest:% = change.digest, since_seconds, message = why_pending(no_target, attempts, signal); "pending");
}

fn why_pending(no_target: Option<&NoTarget>, attempts: &[Attempt], signal: ReloadSignal) -> String {
    let refused = attempts.iter().find_map(|attempt| match &attempt.outcome {
        Outcome::Refused(refusal) => Some((&attempt.target, refusal)),
        _ => None,
    });
    let held_back = attempts.iter().find(|attempt| matches!(attempt.outcome, Outcome::HeldBack));
    match (refused, held_back, no_target) {
        (Some((target, refusal)), ..) => {
            format!("cannot signal pid={} process={}: {refusal}; trying again", target.pid, target.name)
        }
        (None, Some(Attempt { target, .. }), _) => format!(
            "held back signal={signal} from pid={} process={}, which has no handler for it (yet): it would be \
             killed or stopped; SIGNAL_GUARD=off would send it all the same; trying again",
            target.pid, target.name
        ),
        (None, None, Some(reason)) => format!("{reason}; trying again"),
        (None, None, None) => "the target ended; trying again".into(),
    }
}

/// A target that is gone a moment after its signal.
pub fn died(id: ProcessId, watched: &Watched, signal: ReloadSignal) {
    let message = "it is gone one second after the signal; see its own log: a configuration that it refuses, or \
                   a signal that ends it";
    let (pid, process) = (id.pid, watched.name.as_str());
    warn!(signal:%, pid, process, digest:% = watched.digest, message; "died");
}

/// The kernel cannot watch.
pub fn polling(error: &WatchError, interval: Duration) {
    let interval_seconds = interval.as_secs_f64();
    warn!(interval_seconds, message:% = error; "polling");
}

/// The kernel watches again.
pub fn watching_again() {
    info!(message = "inotify watches everything again; polling ends"; "watching-again");
}

/// The target is gone for good.
pub fn over() {
    info!(message = "the target is gone for good, and EXIT_WITH_TARGET is set"; "over");
}

/// The configuration at start, which the targets are taken to have.
pub fn ready(digest: Digest) {
    info!(digest:%; "ready");
}
