//! Inbox: what the event thread leaves behind. It holds one slot for each watched path, so that a storm of events needs no
//! more memory than a single one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::event::Writer;

/// Open files of a watched path that are told apart. Beyond that, a writer counts by its writes alone.
const MOST_WRITERS: usize = 100;

/// What an event says about a watched path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Anybody wrote to it: only quiet tells that the writer is through.
    Plain,
    /// The kubelet wrote a volume of it: the volume itself tells whether it is complete.
    Volume,
}

/// An event that can mean a change of a watched path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Index of the watched path.
    pub watched: usize,
    /// What the event says about it.
    pub sign: Sign,
    /// Whether the places of the watched path may be others now, so that they must be found anew.
    pub moved: bool,
}

/// The merged events of a watched path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Events {
    /// When the first one came.
    pub first: Instant,
    /// When the last plain one came.
    pub plain: Option<Instant>,
    /// When the last one of a volume came.
    pub volume: Option<Instant>,
    /// Whether a file that was written to is still open for writing.
    pub is_writing: bool,
}

/// The events of all watched paths, shared by the event thread and the loop.
#[derive(Debug)]
pub struct Inbox {
    slots: Mutex<Vec<Slot>>,
    woken: Notify,
}

#[derive(Debug, Default)]
struct Slot {
    events: Option<Events>,
    /// Whether the places to watch may be others now.
    moved: bool,
    writers: Vec<u64>,
}

impl Inbox {
    /// An empty inbox for this many watched paths.
    pub fn new(watched: usize) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(watched).collect();
        Self { slots: Mutex::new(slots), woken: Notify::new() }
    }

    /// Adds an event, and what it says about a writer.
    pub fn add(&self, hit: Hit, writer: Option<Writer>, now: Instant) {
        let Hit { watched, sign, moved } = hit;
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(watched) else { return };
        slot.moved |= moved;
        if moved {
            // The end of a writer in a directory that is not watched any more is no event.
            slot.writers.clear();
        }
        if let Some(Writer::Open(number) | Writer::Through(number)) = writer {
            slot.writers.retain(|open| *open != number);
            if matches!(writer, Some(Writer::Open(_))) && slot.writers.len() < MOST_WRITERS {
                slot.writers.push(number);
            }
        }
        let new = Events { first: now, plain: None, volume: None, is_writing: false };
        let events = slot.events.get_or_insert(new);
        match sign {
            Sign::Plain => events.plain = Some(now),
            Sign::Volume => events.volume = Some(now),
        }
    }

    /// Takes out the events of a watched path.
    pub fn take(&self, watched: usize) -> Option<Events> {
        let mut slots = self.slots();
        let slot = slots.get_mut(watched)?;
        let is_writing = !slot.writers.is_empty();
        slot.events.take().map(|events| Events { is_writing, ..events })
    }

    /// Forgets the open files of a watched path: their end may have gone unseen.
    pub fn forget_writers(&self, watched: usize) {
        if let Some(slot) = self.slots().get_mut(watched) {
            slot.writers.clear();
        }
    }

    /// Whether the places of any watched path may be others now.
    pub fn has_moved(&self) -> bool {
        self.slots().iter().any(|slot| slot.moved)
    }

    /// The same, and notes that they are found anew.
    pub fn take_moved(&self) -> bool {
        let take = |moved, slot: &mut Slot| moved | std::mem::take(&mut slot.moved);
        self.slots().iter_mut().fold(false, take)
    }

    /// Wakes the loop.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Resolves once the loop was woken.
    pub async fn woken(&self) {
        self.woken.notified().await;
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        // A slot is whole at every step, so that a panic elsewhere does not spoil it.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn times() -> impl Fn(u64) -> Instant {
        let start = Instant::now();
        move |ms| start + Duration::from_millis(ms)
    }

    fn hit(watched: usize, sign: Sign, moved: bool) -> Hit {
        Hit { watched, sign, moved }
    }

    #[test]
    fn a_storm_is_one_slot() {
        let (inbox, at) = (Inbox::new(2), times());
        for ms in 0..1000 {
            inbox.add(hit(1, if ms % 2 == 0 { Sign::Plain } else { Sign::Volume }, false), None, at(ms));
        }
        let events = Events { first: at(0), plain: Some(at(998)), volume: Some(at(999)), is_writing: false };
        assert_eq!((inbox.take(1), inbox.take(1), inbox.take(0)), (Some(events), None, None));
    }

    #[test]
    fn a_move_is_never_lost_by_a_merge_or_by_taking_the_events() {
        let (inbox, at) = (Inbox::new(2), times());
        assert!(!inbox.has_moved() && !inbox.take_moved());
        inbox.add(hit(1, Sign::Plain, true), None, at(0));
        inbox.add(hit(1, Sign::Plain, false), None, at(1));
        assert!(inbox.take(1).is_some());
        assert!(inbox.has_moved() && inbox.take_moved() && !inbox.take_moved());
    }

    #[test]
    fn a_file_is_being_written_until_it_is_closed() {
        let (inbox, at) = (Inbox::new(1), times());
        let is_writing = |writer| {
            inbox.add(hit(0, Sign::Plain, false), writer, at(0));
            inbox.take(0).unwrap().is_writing
        };
        assert!(!is_writing(None));
        assert!(is_writing(Some(Writer::Open(1))));
        assert!(is_writing(None), "remembered");
        assert!(is_writing(Some(Writer::Open(2))));
        assert!(is_writing(Some(Writer::Through(1))), "the other one is open");
        assert!(is_writing(Some(Writer::Through(3))));
        assert!(!is_writing(Some(Writer::Through(2))));
        assert!(is_writing(Some(Writer::Open(1))));
        inbox.forget_writers(0);
        assert!(!is_writing(None));
        assert!(is_writing(Some(Writer::Open(1))));
        inbox.add(hit(0, Sign::Plain, true), None, at(0));
        assert!(!is_writing(None), "after a move");
        inbox.add(hit(0, Sign::Plain, true), Some(Writer::Open(1)), at(0));
        assert!(is_writing(None), "a file that was just made");
    }

    #[test]
    fn writers_are_bounded() {
        let (inbox, at) = (Inbox::new(1), times());
        for number in 0..10_000 {
            inbox.add(hit(0, Sign::Plain, false), Some(Writer::Open(number)), at(0));
        }
        assert_eq!(inbox.slots()[0].writers.len(), MOST_WRITERS);
    }

    #[tokio::test]
    async fn a_wake_up_waits_for_the_loop() {
        let inbox = Inbox::new(1);
        inbox.wake();
        inbox.wake();
        inbox.woken().await;
    }
}
