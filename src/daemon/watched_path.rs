//! A watched path and what was last seen there.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::report::Report;
use crate::volume::{Scope, Snapshot, SnapshotError, State};

pub(super) struct WatchedPath {
    pub(super) path: PathBuf,
    /// As it was seen last; the loop looks again after each move.
    pub(super) state: State,
    pub(super) snapshot: Snapshot,
    missing: bool,
    told_unreadable: bool,
}

impl WatchedPath {
    pub(super) fn new(path: PathBuf, state: State, snapshot: Snapshot, report: &Report) -> Self {
        let mut watched = Self { path, state, snapshot, missing: false, told_unreadable: false };
        watched.tell_unreadable(report);
        watched
    }

    /// When its configuration came to be, at the latest.
    pub(super) fn changed_at(&self) -> SystemTime {
        self.state.layout().swapped_at().unwrap_or_else(|| self.snapshot.changed_at())
    }

    /// Whether the path holds something else than what was seen last, or is missing where it was there, or the
    /// other way round.
    pub(super) async fn has_changed(&mut self, scope: Scope<'_>) -> bool {
        let (state, result) = Snapshot::with_state(&self.path, scope, Some(&self.snapshot)).await;
        self.state = state;
        match result {
            Ok(snapshot) if !self.missing && snapshot.digest() == self.snapshot.digest() => {
                // Files that were too young to be trusted by their stat need not be read the next time.
                self.snapshot = snapshot;
                false
            }
            Err(SnapshotError::Missing(_)) => !self.missing,
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// Takes the snapshot in; returns the one before it if that differs.
    pub(super) fn see(&mut self, snapshot: Snapshot, report: &Report) -> Option<Snapshot> {
        if std::mem::take(&mut self.missing) {
            report.presence(&self.path, true);
        }
        let before = std::mem::replace(&mut self.snapshot, snapshot);
        self.tell_unreadable(report);
        (before.digest() != self.snapshot.digest()).then_some(before)
    }

    pub(super) fn is_missing(&self) -> bool {
        self.missing
    }

    /// What is not there is no configuration: the last one stays the wanted one.
    pub(super) fn miss(&mut self, report: &Report) {
        if !std::mem::replace(&mut self.missing, true) {
            report.presence(&self.path, false);
        }
    }

    fn tell_unreadable(&mut self, report: &Report) {
        if let Some(path) = self.snapshot.unreadable()
            && !std::mem::replace(&mut self.told_unreadable, true)
        {
            report.unreadable(path);
        }
    }
}
