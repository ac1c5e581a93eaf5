//! What was seen of one burst: all that the oracle knows.

use sidecar_testkit::clock::Nanos;

use crate::support::Files;
use crate::view::{View, Views};
use crate::world::Millis;

/// How a part of an act can become a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It settles after the quiet period.
    Ordinary,
    /// The same, and a directory is new: until the sidecar has its watch there, no event tells of a writer.
    Moved,
    /// A slow writer is through: the quiet period begins.
    Close,
    /// A consistent volume needs no quiet period.
    Swap,
    /// No event tells of it; a resync finds it.
    Unseen,
    /// The writer pauses in the middle of an act.
    Midway,
}

/// A part of an act that has no pause in it.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    /// What it is, for the report of a failure.
    pub(crate) label: String,
    pub(crate) start: Nanos,
    pub(crate) end: Nanos,
    /// How long the writer meant to wait before it.
    pub(crate) planned_gap: Millis,
    pub(crate) effect: Effect,
    /// What there is after it.
    pub(crate) after: Views,
    /// Whether no writer is in the middle of something then.
    pub(crate) finished: bool,
}

/// What the target read at a signal.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// When the signal came.
    pub(crate) at: Nanos,
    /// When everything was read.
    pub(crate) by: Nanos,
    pub(crate) files: Files,
}

/// One burst, from its first action until what it led to was delivered.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// What there was before it, which is what was delivered last.
    pub(crate) start: Views,
    pub(crate) actions: Vec<Action>,
    /// What the target read at each signal meanwhile.
    pub(crate) reads: Vec<Read>,
    /// The digests of the reloads that the log tells of; the first is that of the last reload before the burst.
    pub(crate) digests: Vec<String>,
    /// The digest that a fresh sidecar finds; `None` where a watched path is missing.
    pub(crate) fresh_digest: Option<String>,
    /// The longest time that this machine kept a thread from running meanwhile.
    pub(crate) stall: Nanos,
}

impl Observed {
    /// How many reloads there were.
    pub(crate) fn reloads(&self) -> usize {
        self.digests.len() - 1
    }
}

impl Observed {
    /// What was delivered by the end: the last state, but a path that was missing at the last reload was not delivered.
    pub(crate) fn delivered(&self) -> Views {
        let mut delivered =
            self.actions.iter().fold(self.start.clone(), |last, action| held(&last, &action.after));
        let Some(read) = self.reads.last() else { return delivered };
        let seen = self.actions.iter().rev().find(|action| action.end <= read.at);
        for (delivered, seen) in
            delivered.iter_mut().zip(seen.map(|action| &action.after).into_iter().flatten())
        {
            if *seen == View::Missing {
                *delivered = View::Missing;
            }
        }
        delivered
    }
}

/// What there is after an action, as far as it can be a change. While a path is missing, a change elsewhere is reloaded
/// without it, so that its return is a change, too.
pub(crate) fn followed(before: &[View], now: &[View]) -> Views {
    let held = held(before, now);
    if held == before { held } else { now.to_vec() }
}

/// A missing path is no change until it returns: it counts as what it was.
pub(crate) fn held(before: &[View], now: &[View]) -> Views {
    let pairs = before.iter().zip(now);
    pairs.map(|(before, now)| if *now == View::Missing { before.clone() } else { now.clone() }).collect()
}
