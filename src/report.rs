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
        Layout::Kubelet(_) => "kubelet volume",
    };
    let (names, digest) = (snapshot.entries().len(), snapshot.digest());
    info!("watching {}: {kind}, names={names} digest={digest}", path.display());
}

/// The targets at start.
pub fn targets_at_start(targets: &Result<Vec<Pinned>, NoTarget>, settings: &Settings) {
    let signal = settings.reload_signal;
    match targets {
        Ok(targets) => targets.iter().for_each(|target| {
            info!("target is pid={} process={}, signal={signal}", target.pid, target.name);
        }),
        Err(reason) => warn!("no target yet: {reason}"),
    }
}

/// Users of a program that knows only 15 bytes of a name learn the whole of it.
pub fn name_in_full(target: &Pinned) {
    info!("PROCESS_NAME is the beginning of process={}; its full name can be given", target.name);
}

/// One file event, for `VERBOSE`.
pub fn event(event: &Event, counts: bool) {
    info!("event {:?} {} counts={counts}", event.kind, event.path.display());
}

/// A settled change of a watched path.
pub fn changed(path: &Path, before: &Snapshot, after: &Snapshot) {
    let changes = Changes::between(before, after);
    info!("changed {}: {changes} digest={}->{}", path.display(), before.digest(), after.digest());
}

/// A watched path that is not there, or there again.
pub fn presence(path: &Path, present: bool) {
    if present {
        info!("{} is there again", path.display());
    } else {
        warn!("{} is gone; watching for its return, nothing is signalled until then", path.display());
    }
}

/// Anything that is survived.
pub fn survived(error: &dyn std::error::Error) {
    warn!("{error}");
}

/// A file that counts by identity.
pub fn unreadable(path: &Path) {
    warn!(
        "cannot read {}: it counts as changed when its inode, size or time changes; to compare contents, let \
         the sidecar read it (same runAsUser, or a defaultMode that allows it)",
        path.display()
    );
}

/// What was done about one target.
pub fn attempt(attempt: &Attempt, signal: ReloadSignal, change: &Change) {
    let (pid, process, digest) = (attempt.target.pid, &attempt.target.name, change.digest);
    match attempt.outcome {
        Outcome::Delivered => {
            let took = Took(attempt.at.duration_since(change.first_event));
            info!("sent signal={signal} pid={pid} process={process} digest={digest} after={took}");
        }
        Outcome::Superseded => {
            info!("pid={pid} process={process} started after the change and has read digest={digest}");
        }
        Outcome::Ignored => warn!(
            "sent signal={signal} pid={pid} process={process} digest={digest}, and the process ignores it; is \
             RELOAD_SIGNAL the one that makes it reload?"
        ),
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
    let (digest, since) = (change.digest, Took(change.first_event.elapsed()));
    let refused = attempts.iter().find_map(|attempt| match &attempt.outcome {
        Outcome::Refused(refusal) => Some((&attempt.target, refusal)),
        _ => None,
    });
    let held_back = attempts.iter().find(|attempt| matches!(attempt.outcome, Outcome::HeldBack));
    if let (Some(Attempt { target, .. }), None) = (held_back, refused) {
        warn!(
            "pending digest={digest} since={since}: held back signal={signal} from pid={} process={}, which has \
             no handler for it (yet): it would be killed or stopped; SIGNAL_GUARD=off would send it all the \
             same; trying again",
            target.pid, target.name
        );
        return;
    }
    match (refused, no_target) {
        (Some((target, refusal)), _) => warn!(
            "pending digest={digest} since={since}: cannot signal pid={} process={}: {refusal}; trying again",
            target.pid, target.name
        ),
        (None, Some(reason)) => warn!("pending digest={digest} since={since}: {reason}; trying again"),
        (None, None) => warn!("pending digest={digest} since={since}: the target ended; trying again"),
    }
}

/// A target that is gone a moment after its signal.
pub fn died(id: ProcessId, watched: &Watched, signal: ReloadSignal) {
    warn!(
        "pid={} process={} is gone one second after signal={signal} digest={}; see its own log: a configuration \
         that it refuses, or a signal that ends it",
        id.pid, watched.name, watched.digest
    );
}

/// The kernel cannot watch.
pub fn polling(error: &WatchError, interval: Duration) {
    warn!("{error}; until then the watched paths are looked at every {}s", interval.as_secs());
}

/// The kernel watches again.
pub fn watching_again() {
    info!("inotify watches everything again; polling ends");
}

/// The target is gone for good.
pub fn over() {
    info!("the target is gone for good, and EXIT_WITH_TARGET is set: the end");
}

/// The configuration at start, which the targets are taken to have.
pub fn ready(digest: Digest) {
    info!("ready digest={digest}");
}

/// A duration as people read it.
struct Took(Duration);

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.0.as_micros();
        match micros {
            0..10_000 => write!(f, "{micros}us"),
            10_000..10_000_000 => write!(f, "{}ms", micros / 1000),
            _ => write!(f, "{}s", micros / 1_000_000),
        }
    }
}
