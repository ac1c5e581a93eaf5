//! What the event thread and the loop share: where to look for a path's events, the marks, and the pipeline that
//! works on them.

use std::pin::pin;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::sync::Mutex;

use super::pipeline::{Pipeline, Thread};
use crate::filter;
use crate::report::Report;
use crate::settings::Settings;
use crate::watch::{Event, Marks, Places, WatchError, Watcher};

/// The places move as the watched paths do; looking for them again ends after this many moves in a row,
/// since each further move is an event.
const MOST_MOVES: u32 = 5;

/// What both threads know.
pub(super) struct Shared {
    places: RwLock<Places>,
    pub(super) marks: Arc<Marks>,
    /// Empty until the daemon has started.
    pub(super) pipeline: OnceLock<Arc<Mutex<Pipeline>>>,
}

impl Shared {
    pub(super) fn new(watched: usize) -> Arc<Self> {
        Arc::new(Self {
            places: RwLock::default(),
            marks: Arc::new(Marks::new(watched)),
            pipeline: OnceLock::new(),
        })
    }

    /// What the event thread does with an event.
    pub(super) fn sink(
        self: Arc<Self>,
        settings: &Settings,
        report: Arc<Report>,
    ) -> impl FnMut(Event) + Send + 'static {
        let ignore = settings.ignore.clone();
        move |event| {
            let now = Instant::now();
            let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
            let (mut counts, mut wanted) = (false, false);
            for watched in filter::renames(&event, &places) {
                wanted |= self.marks.note_renamed(watched);
            }
            for hit in filter::hits(&event, &places, &ignore) {
                wanted |= self.marks.mark(hit.watched, now, hit.moved);
                counts = true;
            }
            drop(places);
            report.event(&event, counts);
            if wanted && !self.work() {
                self.marks.wake();
            }
        }
    }

    /// Works where the event arrives, for to wake the loop takes longer than most of the work. Returns whether
    /// nothing is left to the loop; it never waits for the loop.
    fn work(&self) -> bool {
        let Some(Ok(mut pipeline)) = self.pipeline.get().map(|pipeline| pipeline.try_lock()) else {
            return false;
        };
        run(pipeline.work(Thread::Events))
    }

    /// Finds the places of the watched paths, and watches them.
    pub(super) fn follow(&self, watcher: &mut Watcher, settings: &Settings) -> Result<(), WatchError> {
        let places = || Places::of(&settings.config_dir, settings.recursive);
        for _ in 0..MOST_MOVES {
            let now = places();
            // Before the watches, so that their first event finds its place.
            self.places.write().unwrap_or_else(PoisonError::into_inner).clone_from(&now);
            watcher.hold(&now)?;
            // What moved between the look and the watch has made no event.
            if places() == now {
                break;
            }
        }
        Ok(())
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
