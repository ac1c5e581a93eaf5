//! One mark for each watched path: the only thing that the event thread leaves behind, so that a
//! storm of events needs no more memory than a single one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// A watched path may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When the first event came.
    pub first: Instant,
    /// When the last event came.
    pub last: Instant,
    /// Whether the places to watch may have moved.
    pub moved: bool,
}

impl Mark {
    /// A mark of one event.
    #[must_use]
    pub fn new(now: Instant, moved: bool) -> Self {
        Self { first: now, last: now, moved }
    }

    /// The mark with one more event.
    #[must_use]
    pub fn extended(self, now: Instant, moved: bool) -> Self {
        Self { first: self.first, last: now, moved: self.moved || moved }
    }
}

/// The marks of all watched paths, shared by the event thread and the loop.
#[derive(Debug)]
pub struct Marks {
    slots: Mutex<Vec<Slot>>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    mark: Option<Mark>,
    every_event: bool,
}

impl Marks {
    /// Clean marks for this many watched paths.
    #[must_use]
    pub fn new(watched: usize) -> Self {
        Self { slots: Mutex::new(vec![Slot::default(); watched]), changed: Notify::new() }
    }

    /// Marks a path. The loop is woken by the first event, or by every one where it asked for that;
    /// the rest of a storm only moves the time of the last event.
    pub fn mark(&self, watched: usize, now: Instant, moved: bool) {
        if let Some(slot) = self.slots().get_mut(watched) {
            let wake = slot.every_event || slot.mark.is_none();
            slot.mark = Some(slot.mark.map_or(Mark::new(now, moved), |mark| mark.extended(now, moved)));
            if wake {
                self.changed.notify_one();
            }
        }
    }

    /// The mark as it is; from now on every event wakes the loop, though the mark stays.
    #[must_use]
    pub fn peek(&self, watched: usize) -> Option<Mark> {
        let mut slots = self.slots();
        let slot = slots.get_mut(watched)?;
        slot.every_event = slot.mark.is_some();
        slot.mark
    }

    /// No further event wakes the loop while the mark stays.
    pub fn sleep_through(&self, watched: usize) {
        if let Some(slot) = self.slots().get_mut(watched) {
            slot.every_event = false;
        }
    }

    /// Takes the mark away, so that the next event makes a new one.
    pub fn take(&self, watched: usize) -> Option<Mark> {
        self.slots().get_mut(watched)?.mark.take()
    }

    /// Puts a mark back that was taken too early, and has it looked at again.
    pub fn restore(&self, watched: usize, early: Mark) {
        if let Some(slot) = self.slots().get_mut(watched) {
            let later = slot.mark.unwrap_or(early);
            slot.mark = Some(Mark { first: early.first, ..later });
            slot.every_event = true;
            self.changed.notify_one();
        }
    }

    /// The places were found anew; a later event may move them again.
    pub fn moved_seen(&self, watched: usize) {
        if let Some(mark) = self.slots().get_mut(watched).and_then(|slot| slot.mark.as_mut()) {
            mark.moved = false;
        }
    }

    /// Resolves after an event that the loop wants to know of.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        // A mark is whole at every step, so that a panic elsewhere does not spoil it.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn woken(marks: &Marks) -> bool {
        let changed = std::pin::pin!(marks.changed());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        Future::poll(changed, &mut context).is_ready()
    }

    #[test]
    fn a_storm_is_one_mark_and_one_wake_up() {
        let (marks, start) = (Marks::new(2), Instant::now());
        for step in 0..1000 {
            marks.mark(1, start + Duration::from_millis(step), step == 500);
        }
        assert!(woken(&marks) && !woken(&marks));
        let last = start + Duration::from_millis(999);
        assert_eq!(marks.take(1), Some(Mark { first: start, last, moved: true }));
        assert_eq!((marks.take(1), marks.take(0)), (None, None));
    }

    #[test]
    fn every_event_wakes_where_asked_for() {
        let (marks, now) = (Marks::new(1), Instant::now());
        marks.mark(0, now, false);
        assert!(woken(&marks));
        assert!(marks.peek(0).is_some());
        marks.mark(0, now, false);
        assert!(woken(&marks));
        marks.sleep_through(0);
        marks.mark(0, now, false);
        assert!(!woken(&marks));
    }

    #[test]
    fn a_mark_that_is_put_back_keeps_its_beginning_and_wakes() {
        let (marks, start) = (Marks::new(1), Instant::now());
        let later = start + Duration::from_millis(5);
        marks.mark(0, start, false);
        let early = marks.take(0).unwrap();
        marks.mark(0, later, true);
        assert!(woken(&marks));
        marks.restore(0, early);
        assert!(woken(&marks));
        assert_eq!(marks.peek(0), Some(Mark { first: start, last: later, moved: true }));
        marks.mark(0, later, false);
        assert!(woken(&marks));
    }

    #[test]
    fn an_event_after_the_mark_was_taken_wakes_again() {
        let (marks, now) = (Marks::new(1), Instant::now());
        marks.mark(0, now, false);
        assert!(woken(&marks) && marks.take(0).is_some());
        marks.mark(0, now, false);
        assert!(woken(&marks));
    }
}
