//! Reload: which configuration is wanted, which target has it, and when to try again. A pure state
//! machine: times are given to it.

mod brake;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::process::ProcessId;
use crate::signal::{MOMENT, Outcome};
use crate::volume::Digest;

pub use brake::{Brake, Touched};

/// First wait before another attempt; it doubles up to [`LONGEST_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// How often the log is reminded of a change that is still pending.
const REMINDER: Duration = Duration::from_mins(1);

/// A settled change of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The configuration that is wanted.
    pub digest: Digest,
    /// When its first event came.
    pub first_event: Instant,
    /// The same as time since boot: a process that started earlier may have read the configuration before.
    pub began: Duration,
    /// Time since boot at which the digest was complete: a process that started later has read it.
    pub seen: Duration,
}

/// Wanted and applied configuration.
#[derive(Debug)]
pub struct Reload {
    /// What every target has; `None` where that is not known.
    applied: Option<Digest>,
    min_interval: Duration,
    last_signal: Option<Instant>,
    /// What each target got last.
    delivered: BTreeMap<ProcessId, Delivered>,
    attempts: u64,
    pending: Option<Pending>,
}

/// What a target got last.
#[derive(Debug)]
struct Delivered {
    digest: Digest,
    /// The number of the last attempt that the target was seen in.
    seen_in: u64,
}

/// From the first change that is not applied until every target has the configuration then wanted.
#[derive(Debug)]
struct Pending {
    wanted: Change,
    began: Duration,
    /// Targets that did not handle the signal when it was wanted: they may be reading any configuration.
    starting: BTreeSet<ProcessId>,
    /// Whether it is the configuration that was there at start.
    is_first: bool,
    /// Whether a signal was sent for what is wanted.
    signalled: bool,
    delay: Duration,
    next_attempt: Instant,
    told: Option<(Obstacle, Instant)>,
}

/// What keeps a change pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// No process is the target.
    NoTarget,
    /// The kernel refused the signal to a target.
    Refused,
    /// A target does not handle the signal yet.
    HeldBack,
}

/// What to do about a target in this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Send the signal.
    Signal,
    /// Nothing: it has the configuration by an earlier signal, or never lost it.
    UpToDate,
    /// Nothing: it started after the change.
    Superseded,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Every target has the configuration, and at least one signal was sent for it.
    Delivered(Change),
    /// Every target has the configuration without a signal.
    Superseded(Change),
    /// Another attempt will follow.
    Pending {
        /// What keeps the change pending.
        obstacle: Obstacle,
        /// Whether the log should be told now.
        tell: bool,
        /// The change.
        change: Change,
    },
    /// Whether a target takes the signal is seen at the next attempt only.
    Undecided,
    /// There was nothing to do.
    Idle,
}

impl Reload {
    /// Nothing is known yet; there is at least this time between two reloads.
    pub fn new(min_interval: Duration) -> Self {
        Self {
            applied: None,
            min_interval,
            last_signal: None,
            delivered: BTreeMap::new(),
            attempts: 0,
            pending: None,
        }
    }

    /// The targets have this configuration.
    pub fn applied(&mut self, configuration: Digest) {
        self.applied = Some(configuration);
    }

    /// Nothing is known of what the targets have: each that did not start after the change is reloaded.
    pub fn unknown(&mut self, change: Change, now: Instant) {
        // The log has been told at start that there is no target yet.
        let told = Some((Obstacle::NoTarget, now));
        self.pending = Some(Pending { told, is_first: true, ..Pending::new(change, now) });
    }

    /// When a signal was sent last.
    pub fn last_signal(&self) -> Option<Instant> {
        self.last_signal
    }

    /// A configuration is there now, which is reloaded no sooner than after this pause since the last reload. Returns
    /// whether it is a change.
    pub fn want(&mut self, change: Change, pause: Duration, now: Instant) -> bool {
        let known = self.pending.as_ref().map(|pending| pending.wanted.digest).or(self.applied);
        if Some(change.digest) == known {
            return false;
        }
        let rested = self.last_signal.map_or(now, |last| now.max(last + self.min_interval.max(pause)));
        match &mut self.pending {
            Some(pending) => {
                // How long it took is counted from the oldest event that no signal answered.
                pending.wanted = Change { first_event: pending.wanted.first_event, ..change };
                pending.signalled = false;
                if std::mem::take(&mut pending.is_first) {
                    pending.told = None;
                }
                pending.delay = FIRST_DELAY;
                pending.next_attempt = rested;
            }
            None => self.pending = Some(Pending::new(change, rested)),
        }
        true
    }

    /// When to attempt next, if anything is pending.
    pub fn due(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.next_attempt)
    }

    /// The change that is pending.
    pub fn pending(&self) -> Option<Change> {
        self.pending.as_ref().map(|pending| pending.wanted)
    }

    /// What to do about this target now.
    pub fn plan(&self, target: ProcessId) -> Plan {
        let Some(pending) = &self.pending else { return Plan::UpToDate };
        let wanted = pending.wanted.digest;
        match self.delivered.get(&target) {
            Some(has) if has.digest == wanted => Plan::UpToDate,
            None if target.started.is_after(pending.wanted.seen) => Plan::Superseded,
            // Changed and changed back while it could not be signalled: it still has what it had before.
            None if self.applied == Some(wanted)
                && target.started.is_before(pending.began)
                && !pending.starting.contains(&target) =>
            {
                Plan::UpToDate
            }
            _ => Plan::Signal,
        }
    }

    /// An attempt was made, with these outcomes; without any, there was no target.
    pub fn attempted<'a>(
        &mut self,
        outcomes: impl IntoIterator<Item = (ProcessId, &'a Outcome)>,
        now: Instant,
    ) -> Conclusion {
        let Some(pending) = &mut self.pending else { return Conclusion::Idle };
        let change = pending.wanted;
        self.attempts += 1;
        let seen_in = self.attempts;
        let mut starting = BTreeSet::new();
        let (mut found, mut all_final, mut refused, mut undecided_only) = (false, true, false, true);
        for (target, outcome) in outcomes {
            found = true;
            all_final &= outcome.is_final();
            refused |= matches!(outcome, Outcome::Refused(_));
            let undecided = matches!(outcome, Outcome::Undecided);
            undecided_only &= undecided || outcome.is_final();
            if undecided
                || matches!(outcome, Outcome::HeldBack)
                || (pending.starting.contains(&target) && !outcome.is_sent())
            {
                starting.insert(target);
            }
            if outcome.is_sent() {
                pending.signalled = true;
                self.last_signal = Some(now);
                self.delivered.insert(target, Delivered { digest: change.digest, seen_in });
            } else if let Some(delivered) = self.delivered.get_mut(&target) {
                delivered.seen_in = seen_in;
            }
        }
        // Targets that are not among the outcomes are dead; so memory is bounded by the number of targets.
        self.delivered.retain(|_, delivered| delivered.seen_in == seen_in);
        let held_back = !starting.is_empty();
        pending.starting = starting;
        if found && all_final {
            let signalled = pending.signalled;
            self.applied = Some(change.digest);
            self.pending = None;
            return if signalled { Conclusion::Delivered(change) } else { Conclusion::Superseded(change) };
        }
        if found && undecided_only {
            pending.next_attempt = now + MOMENT;
            return Conclusion::Undecided;
        }
        let obstacle = match (refused, held_back) {
            (true, _) => Obstacle::Refused,
            (false, true) => Obstacle::HeldBack,
            (false, false) => Obstacle::NoTarget,
        };
        let tell = pending.told.is_none_or(|(told, at)| told != obstacle || now >= at + REMINDER);
        if tell {
            pending.told = Some((obstacle, now));
        }
        pending.next_attempt = now + pending.delay;
        pending.delay = (pending.delay * 2).min(LONGEST_DELAY);
        Conclusion::Pending { obstacle, tell, change }
    }
}

impl Pending {
    fn new(wanted: Change, next_attempt: Instant) -> Self {
        Self {
            wanted,
            began: wanted.began,
            starting: BTreeSet::new(),
            is_first: false,
            signalled: false,
            delay: FIRST_DELAY,
            next_attempt,
            told: None,
        }
    }
}

#[cfg(test)]
mod tests;
