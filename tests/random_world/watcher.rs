//! Watches the writers: when each of them did what, and what there was after it.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use sidecar_testkit::clock::{self, Nanos};

use crate::observed::{Action, Effect};
use crate::view::{Views, look};
use crate::world::{Millis, Settings};

/// Notes each action of a burst.
pub(crate) struct Watcher {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) settings: Settings,
    pub(crate) actions: Vec<Action>,
    /// When the action at hand began, and the pause that was meant before it.
    pub(crate) start: Nanos,
    gap: Millis,
}

impl Watcher {
    pub(crate) fn new(paths: Vec<PathBuf>, settings: Settings) -> Self {
        Self { paths, settings, actions: Vec::new(), start: 0, gap: 0 }
    }

    pub(crate) fn look(&self) -> Views {
        let paths: Vec<&Path> = self.paths.iter().map(PathBuf::as_path).collect();
        look(&paths, &self.settings)
    }

    pub(crate) fn begin(&mut self, gap: Millis) {
        sleep(Duration::from_millis(gap));
        (self.start, self.gap) = (clock::now(), gap);
    }

    pub(crate) fn note(&mut self, label: &str, effect: Effect, finished: bool) {
        let end = clock::now();
        let (label, after) = (label.to_owned(), self.look());
        let (start, planned_gap) = (self.start, self.gap);
        self.actions.push(Action { label, start, end, planned_gap, effect, after, finished });
    }
}
