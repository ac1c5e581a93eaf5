//! What the event thread and the loop share: where to look for a path's events, the inbox, and the pipeline.

use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{self, Poll, Waker};
use std::time::Instant;

use tokio::sync::Mutex;

use super::Context;
use super::pipeline::Pipeline;
use crate::filter;
use crate::watch::{Event, Places};

/// What both threads know.
pub(super) struct Shared {
    pub(super) context: Arc<Context>,
    pub(super) places: RwLock<Places>,
    /// The loop holds it while it works, and throughout the start.
    pub(super) pipeline: Mutex<Pipeline>,
}

impl Shared {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        let pipeline = Mutex::new(Pipeline::new(context));
        Self { context: Arc::clone(context), places: RwLock::default(), pipeline }
    }

    /// What the event thread does with an event: it adds the event to the inbox, and works where the event arrives,
    /// because to wake the loop takes longer than most of the work. It never waits for the loop.
    pub(super) fn take(&self, event: &Event) {
        let counts = self.add(event);
        self.context.report.event(event, counts);
        if counts && !self.work() {
            self.context.inbox.wake();
        }
    }

    /// Returns whether the event can be a change.
    fn add(&self, event: &Event) -> bool {
        let (now, mut counts) = (Instant::now(), false);
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        for hit in filter::hits(event, &places, self.context.scope()) {
            self.context.inbox.add(hit, event.writer(), now);
            counts = true;
        }
        counts
    }

    /// Returns whether nothing is left to the loop. The loop alone adds watches, because the event thread would wait
    /// for itself.
    fn work(&self) -> bool {
        if self.context.inbox.has_moved() {
            return false;
        }
        self.pipeline.try_lock().is_ok_and(|mut pipeline| run(pipeline.work(true)))
    }
}

/// To its end, in this thread: it never waits, it only yields where there is much to read. A runtime would have to be
/// entered for each event.
fn run<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut context = task::Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut context) {
            return result;
        }
    }
}
