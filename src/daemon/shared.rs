//! What the event thread and the loop share: where to look for a path's events, the inbox, and the pipeline.

use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::sync::Mutex;

use super::alarm::Alarm;
use super::pipeline::Pipeline;
use crate::filter;
use crate::report::Report;
use crate::scope::Scope;
use crate::settings::Settings;
use crate::watch::{Event, Inbox, Places};

/// What both threads know.
pub(super) struct Shared {
    pub(super) places: RwLock<Places>,
    pub(super) inbox: Arc<Inbox>,
    /// The loop holds it while it works, and throughout the start.
    pub(super) pipeline: Mutex<Pipeline>,
}

impl Shared {
    pub(super) fn new(settings: &Arc<Settings>, report: &Arc<Report>, alarm: &Arc<Alarm>) -> Arc<Self> {
        let inbox = Arc::new(Inbox::new(settings.config_dir.len()));
        let pipeline = Mutex::new(Pipeline::new(settings, report, &inbox, alarm));
        Arc::new(Self { places: RwLock::default(), inbox, pipeline })
    }

    /// What the event thread does with an event: it adds the event to the inbox, and works where the event arrives,
    /// because to wake the loop takes longer than most of the work. It never waits for the loop.
    pub(super) fn sink(
        self: Arc<Self>,
        settings: Arc<Settings>,
        report: Arc<Report>,
    ) -> impl FnMut(Event) + Send + 'static {
        move |event| {
            let counts = self.add(&event, Scope::of(&settings));
            report.event(&event, counts);
            if counts && !self.work() {
                self.inbox.wake();
            }
        }
    }

    /// Returns whether the event can be a change.
    fn add(&self, event: &Event, scope: Scope<'_>) -> bool {
        let (now, mut counts) = (Instant::now(), false);
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        for hit in filter::hits(event, &places, scope) {
            self.inbox.add(hit.watched, hit.sign, hit.moved, event.writer(), now);
            counts = true;
        }
        counts
    }

    /// Returns whether nothing is left to the loop. The loop alone adds watches, because the event thread would wait
    /// for itself.
    fn work(&self) -> bool {
        if self.inbox.has_moved() {
            return false;
        }
        self.pipeline.try_lock().is_ok_and(|mut pipeline| run(pipeline.work(true)))
    }
}

/// To its end, in this thread: it never waits, it only yields where there is much to read. A runtime would have to be
/// entered for each event.
fn run<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut context) {
            return result;
        }
    }
}
