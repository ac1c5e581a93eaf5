//! Pipeline: from marks to signals. One thread at a time works on it, the event thread or the loop.

use std::sync::Arc;
use std::time::Instant;

use super::alarm::Alarm;
use super::answers::Status;
use super::delivery::Delivery;
use super::paths::Paths;

/// Who works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// `notify`'s: the kernel's queue of events fills meanwhile, and it must not wait for itself to add a watch.
    Events,
    /// The daemon's.
    Loop,
}

pub(super) struct Pipeline {
    pub(super) paths: Paths,
    delivery: Delivery,
    alarm: Arc<Alarm>,
    alarm_at: Option<Instant>,
}

impl Pipeline {
    pub(super) fn new(paths: Paths, delivery: Delivery, alarm: Arc<Alarm>) -> Self {
        Self { paths, delivery, alarm, alarm_at: None }
    }

    /// Takes in what has settled, signals, and sets the alarm for what is next. Returns whether nothing is left for
    /// the loop.
    pub(super) async fn work(&mut self, thread: Thread) -> bool {
        let settled = self.paths.settle(thread).await;
        for change in settled.changes {
            self.delivery.want(change);
        }
        // The log waits until the signal is out.
        let attempt = self.delivery.attempt_if_due();
        self.paths.tell_changes();
        self.delivery.tell(attempt);
        self.set_alarm();
        settled.all
    }

    /// Looks after the targets; returns whether that was the end.
    pub(super) fn look_after(&mut self) -> bool {
        self.delivery.look_after_if_due();
        self.set_alarm();
        self.delivery.is_over()
    }

    pub(super) fn status(&self) -> Status<'_> {
        Status { missing: self.paths.missing().collect(), pending: self.delivery.pending() }
    }

    fn set_alarm(&mut self) {
        let due = self.paths.due().into_iter().chain(self.delivery.due()).min();
        if due != self.alarm_at {
            self.alarm.set(due);
            self.alarm_at = due;
        }
    }
}
