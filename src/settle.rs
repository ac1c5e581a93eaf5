//! Settle: when is the whole configuration complete? A pure state machine: events, outcomes and times are given to it, and
//! it answers when to read.
//!
//! The configuration is all watched paths together. While one of them is unsettled, none is read, because one change may
//! touch several. [`Pace::max_wait`] after the first event everything is read as it is.

use std::time::{Duration, Instant};

use crate::watch::Events;

/// How long to wait for what is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// A plain path must be quiet this long.
    pub quiet_period: Duration,
    /// Nothing waits longer than this.
    pub max_wait: Duration,
}

/// A volume waits this long for the other watched paths, because the kubelet writes the volumes of a pod one after the
/// other. It never waits longer than [`Pace::quiet_period`].
const OTHER_PATHS: Duration = Duration::from_millis(100);
/// An incomplete volume is looked at again after this time, because no event tells that a group was set.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A path that cannot be looked at is tried again after this time, and then twice as late each time.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// What came of reading a watched path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it was read.
    Settled,
    /// The kubelet is in the middle of an update.
    Incomplete,
    /// It could not be looked at.
    Failed,
}

/// What is known of all watched paths.
#[derive(Debug)]
pub struct Settle {
    pace: Pace,
    paths: Vec<State>,
}

/// What is known of a watched path. By default it is settled.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// When the first event came that no reading has answered.
    first: Option<Instant>,
    /// When what anybody wrote is settled.
    plain: Option<Instant>,
    /// Whether a file is still open for writing, so that it is not.
    is_writing: bool,
    /// When what the kubelet wrote is settled, or looked at again.
    volume: Option<Instant>,
    /// When to try again to look at the path.
    retry: Option<Instant>,
    /// How long that took to come.
    delay: Duration,
}

impl Settle {
    /// All watched paths are settled.
    pub fn new(watched: usize, pace: Pace) -> Self {
        Self { pace, paths: vec![State::default(); watched] }
    }

    /// Takes in the events of a watched path.
    pub fn add(&mut self, watched: usize, events: Events) {
        // A volume that is all there is waits for nothing else.
        let is_alone = self.paths.len() == 1;
        let others = if is_alone { Duration::ZERO } else { OTHER_PATHS.min(self.pace.quiet_period) };
        let Some(state) = self.paths.get_mut(watched) else { return };
        state.first.get_or_insert(events.first);
        state.plain = events.plain.map(|last| last + self.pace.quiet_period).or(state.plain);
        state.volume = events.volume.map(|last| last + others).or(state.volume);
        state.is_writing = events.is_writing;
    }

    /// A watched path holds something else than before, and no event told. This starts a change and never prolongs one.
    pub fn suspect(&mut self, watched: usize, now: Instant) {
        if self.first_of(watched).is_none() {
            self.add(watched, Events { first: now, plain: Some(now), volume: None, is_writing: false });
        }
    }

    /// All watched paths were read, with one outcome each. Returns whether what was read is the configuration; if not,
    /// what is unsettled stays so. Once overdue it is, whatever is incomplete.
    pub fn read(&mut self, outcomes: &[Outcome], now: Instant) -> bool {
        let is_in_the_way = |(state, outcome): (&State, &Outcome)| match outcome {
            Outcome::Settled => false,
            Outcome::Incomplete => true,
            // Once overdue, it does not hold up the other paths.
            Outcome::Failed => state.retry.is_none() || state.first.is_some(),
        };
        let accepts = self.is_overdue(now) || !self.paths.iter().zip(outcomes).any(is_in_the_way);
        for (state, outcome) in self.paths.iter_mut().zip(outcomes) {
            let first = if accepts { None } else { state.first.or(Some(now)) };
            match outcome {
                Outcome::Failed => {
                    let delay = (state.delay * 2).clamp(FIRST_RETRY, LONGEST_RETRY);
                    *state = State { first, retry: Some(now + delay), delay, ..State::default() };
                }
                _ if accepts => *state = State::default(),
                Outcome::Incomplete => (state.first, state.volume) = (first, Some(now + LOOK_AGAIN)),
                Outcome::Settled => {}
            }
        }
        accepts
    }

    /// When to read all watched paths, unless an event comes.
    pub fn read_at(&self) -> Option<Instant> {
        let Some(deadline) = self.deadline() else {
            return self.paths.iter().filter_map(|state| state.retry).min();
        };
        let unsettled = self.paths.iter().filter(|state| state.first.is_some());
        let settled_at = |state: &State| state.settled_at().unwrap_or(deadline);
        unsettled.map(settled_at).max().map(|last| last.min(deadline))
    }

    fn deadline(&self) -> Option<Instant> {
        self.first().map(|first| first + self.pace.max_wait)
    }

    /// When the first event came that no reading has answered.
    pub fn first(&self) -> Option<Instant> {
        self.paths.iter().filter_map(|state| state.first).min()
    }

    /// The same for this watched path.
    pub fn first_of(&self, watched: usize) -> Option<Instant> {
        self.paths.get(watched)?.first
    }

    /// Whether nothing may wait any longer.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Whether only volumes are unsettled.
    pub fn is_volumes_only(&self) -> bool {
        self.paths.iter().all(|state| state.retry.is_none() && state.plain.is_none())
    }
}

impl State {
    /// `None` if only the longest wait ends it.
    fn settled_at(&self) -> Option<Instant> {
        if self.is_writing { None } else { self.plain.max(self.volume).max(self.retry) }
    }
}

#[cfg(test)]
mod tests;
