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
    renamed: bool,
}

impl Marks {
    /// Clean marks for this many watched paths.
    #[must_use]
    pub fn new(watched: usize) -> Self {
        Self { slots: Mutex::new(vec![Slot::default(); watched]), changed: Notify::new() }
    }

    /// Marks a path. Returns whether that is to be worked on now: the first event is, and every one where that was
    /// asked for; the rest of a storm only moves the time of the last event.
    pub fn mark(&self, watched: usize, now: Instant, moved: bool) -> bool {
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(watched) else { return false };
        let is_first = slot.mark.is_none();
        slot.mark = Some(slot.mark.map_or(Mark::new(now, moved), |mark| mark.extended(now, moved)));
        is_first || slot.every_event || moved
    }

    /// Notes that a name came or went, be it one that counts or not. Returns whether that is to be worked on now: it is
    /// where a mark waits and every event was asked for, since the name may be what a volume lacked.
    pub fn note_renamed(&self, watched: usize) -> bool {
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(watched) else { return false };
        slot.renamed = true;
        slot.every_event && slot.mark.is_some()
    }

    /// Whether any name came or went since this was asked last.
    #[must_use]
    pub fn take_renamed(&self, watched: usize) -> bool {
        self.slots().get_mut(watched).is_some_and(|slot| std::mem::take(&mut slot.renamed))
    }

    /// Wakes the loop.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// The mark as it is; from now on every event is to be worked on, though the mark stays.
    #[must_use]
    pub fn peek(&self, watched: usize) -> Option<Mark> {
        let mut slots = self.slots();
        let slot = slots.get_mut(watched)?;
        slot.every_event = slot.mark.is_some();
        slot.mark
    }

    /// No further event is to be worked on while the mark stays.
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
            self.wake();
        }
    }

    /// Whether any place may have moved since this was asked last.
    #[must_use]
    pub fn take_moved(&self) -> bool {
        let mut moved = false;
        for mark in self.slots().iter_mut().filter_map(|slot| slot.mark.as_mut()) {
            moved |= std::mem::take(&mut mark.moved);
        }
        moved
    }

    /// Resolves once the loop was woken.
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
    fn a_storm_is_one_mark_and_worked_on_once() {
        let (marks, start) = (Marks::new(2), Instant::now());
        let at = |step| start + Duration::from_millis(step);
        let wanted = (0..1000).filter(|step| marks.mark(1, at(*step), false)).count();
        assert_eq!(wanted, 1);
        assert_eq!(marks.take(1), Some(Mark { first: start, last: at(999), moved: false }));
        assert_eq!((marks.take(1), marks.take(0)), (None, None));
    }

    #[test]
    fn every_event_is_worked_on_where_asked_for() {
        let (marks, now) = (Marks::new(1), Instant::now());
        assert!(marks.mark(0, now, false) && !marks.mark(0, now, false));
        assert!(marks.peek(0).is_some());
        assert!(marks.mark(0, now, false));
        marks.sleep_through(0);
        assert!(!marks.mark(0, now, false));
    }

    #[test]
    fn a_move_is_always_worked_on_and_told_once() {
        let (marks, now) = (Marks::new(2), Instant::now());
        assert!(!marks.take_moved());
        marks.mark(1, now, false);
        assert!(!marks.take_moved());
        assert!(marks.mark(1, now, true));
        assert!(!marks.mark(1, now, false), "and not forgotten for a later event");
        assert!(marks.take_moved() && !marks.take_moved());
        assert_eq!(marks.take(1), Some(Mark::new(now, false)));
    }

    #[test]
    fn that_names_came_or_went_is_told_once_and_without_a_mark() {
        let marks = Marks::new(2);
        assert!(!marks.take_renamed(1));
        assert!(!marks.note_renamed(1) && !marks.note_renamed(2));
        assert_eq!((marks.take(1), marks.take_renamed(0)), (None, false));
        assert!(marks.take_renamed(1) && !marks.take_renamed(1));
    }

    #[test]
    fn a_name_that_does_not_count_is_worked_on_where_every_event_is_asked_for_and_makes_no_mark() {
        let (marks, now) = (Marks::new(1), Instant::now());
        marks.mark(0, now, false);
        assert!(!marks.note_renamed(0));
        let mark = marks.peek(0);
        assert!(marks.note_renamed(0));
        assert_eq!(marks.peek(0), mark, "and prolongs nothing");
        marks.sleep_through(0);
        assert!(!marks.note_renamed(0));
        assert!(marks.peek(0).is_some());
        marks.take(0);
        assert!(!marks.note_renamed(0));
    }

    #[test]
    fn a_mark_that_is_put_back_keeps_its_beginning_and_wakes() {
        let (marks, start) = (Marks::new(1), Instant::now());
        let later = start + Duration::from_millis(5);
        marks.mark(0, start, false);
        let early = marks.take(0).unwrap();
        assert!(marks.mark(0, later, true) && !woken(&marks));
        marks.restore(0, early);
        assert!(woken(&marks) && !woken(&marks));
        assert_eq!(marks.peek(0), Some(Mark { first: start, last: later, moved: true }));
        assert!(marks.mark(0, later, false));
    }

    #[test]
    fn an_event_after_the_mark_was_taken_is_worked_on_again() {
        let (marks, now) = (Marks::new(1), Instant::now());
        assert!(marks.mark(0, now, false) && marks.take(0).is_some());
        assert!(marks.mark(0, now, false));
    }
}
