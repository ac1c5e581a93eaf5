//! Reload: which configuration is wanted, which target has it, and when to try again. A pure state
//! machine: times are given to it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::process::ProcessId;
use crate::signal::Outcome;
use crate::volume::Digest;

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
    applied: Digest,
    /// What each target got last.
    delivered: BTreeMap<ProcessId, Digest>,
    pending: Option<Pending>,
}

/// From the first change that is not applied until every target has the configuration then wanted.
#[derive(Debug)]
struct Pending {
    wanted: Change,
    began: Duration,
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
    /// A target could not be signalled.
    Refused,
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
    /// There was nothing to do.
    Idle,
}

impl Reload {
    /// The targets have this configuration.
    #[must_use]
    pub fn new(applied: Digest) -> Self {
        Self { applied, delivered: BTreeMap::new(), pending: None }
    }

    /// A configuration is there now. Returns whether it is a change.
    pub fn want(&mut self, change: Change, now: Instant) -> bool {
        let known = self.pending.as_ref().map_or(self.applied, |pending| pending.wanted.digest);
        if change.digest == known {
            return false;
        }
        match &mut self.pending {
            Some(pending) => {
                // How long it took is counted from the oldest event that no signal answered.
                pending.wanted = Change { first_event: pending.wanted.first_event, ..change };
                pending.signalled = false;
                pending.delay = FIRST_DELAY;
                pending.next_attempt = now;
            }
            None => {
                self.pending = Some(Pending {
                    wanted: change,
                    began: change.began,
                    signalled: false,
                    delay: FIRST_DELAY,
                    next_attempt: now,
                    told: None,
                });
            }
        }
        true
    }

    /// When to attempt next, if anything is pending.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.next_attempt)
    }

    /// The change that is pending.
    #[must_use]
    pub fn pending(&self) -> Option<Change> {
        self.pending.as_ref().map(|pending| pending.wanted)
    }

    /// What to do about this target now.
    #[must_use]
    pub fn plan(&self, target: ProcessId) -> Plan {
        let Some(pending) = &self.pending else { return Plan::UpToDate };
        let wanted = pending.wanted.digest;
        match self.delivered.get(&target) {
            Some(has) if *has == wanted => Plan::UpToDate,
            None if target.started.is_after(pending.wanted.seen) => Plan::Superseded,
            // Changed and changed back while it could not be signalled: it still has what it had before.
            None if self.applied == wanted && target.started.is_before(pending.began) => Plan::UpToDate,
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
        // Targets that are not among the outcomes are dead; so memory is bounded by the number of targets.
        let mut delivered = BTreeMap::new();
        let (mut all_final, mut refused) = (true, false);
        for (target, outcome) in outcomes {
            all_final &= outcome.is_final();
            refused |= matches!(outcome, Outcome::Refused(_));
            let sent = matches!(outcome, Outcome::Delivered);
            pending.signalled |= sent;
            let has = if sent { Some(change.digest) } else { self.delivered.remove(&target) };
            delivered.insert(target, has);
        }
        let found = !delivered.is_empty();
        self.delivered = delivered.into_iter().filter_map(|(target, has)| Some((target, has?))).collect();
        if found && all_final {
            let signalled = pending.signalled;
            self.applied = change.digest;
            self.pending = None;
            return if signalled { Conclusion::Delivered(change) } else { Conclusion::Superseded(change) };
        }
        let obstacle = if refused { Obstacle::Refused } else { Obstacle::NoTarget };
        let tell = pending.told.is_none_or(|(told, at)| told != obstacle || now >= at + REMINDER);
        if tell {
            pending.told = Some((obstacle, now));
        }
        pending.next_attempt = now + pending.delay;
        pending.delay = (pending.delay * 2).min(LONGEST_DELAY);
        Conclusion::Pending { obstacle, tell, change }
    }
}

#[cfg(test)]
mod tests;
