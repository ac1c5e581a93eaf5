//! What the event thread and the loop share: where to look for a path's events, and its mark.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use crate::filter;
use crate::report::Report;
use crate::settings::Settings;
use crate::watch::{Event, Marks, Places, WatchError, Watcher};

/// The places move as the watched paths do; looking for them again ends after this many moves in a row,
/// since each further move is an event.
const MOST_MOVES: u32 = 5;

/// Where to look for a path's events, and the path's mark.
pub(super) struct Shared {
    places: RwLock<Places>,
    pub(super) marks: Marks,
}

impl Shared {
    pub(super) fn new(watched: usize) -> Arc<Self> {
        Arc::new(Self { places: RwLock::default(), marks: Marks::new(watched) })
    }

    /// What the event thread does with an event: it marks paths and never waits for anything.
    pub(super) fn sink(
        self: Arc<Self>,
        settings: &Settings,
        report: Arc<Report>,
    ) -> impl FnMut(Event) + Send + 'static {
        let ignore = settings.ignore.clone();
        move |event| {
            let now = Instant::now();
            let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
            let mut counts = false;
            for hit in filter::hits(&event, &places, &ignore) {
                self.marks.mark(hit.watched, now, hit.moved);
                counts = true;
            }
            drop(places);
            report.event(&event, counts);
        }
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
