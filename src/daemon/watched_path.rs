//! A watched path and what was last read there.

use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::kubelet;
use crate::report::Report;
use crate::scope::Scope;
use crate::settle::Outcome;
use crate::volume::{Digest, Snapshot, SnapshotError, Warning, last_change};
use crate::watch::Volumes;

/// How often a path is read again at start because the kubelet is in the middle of an update.
const MOST_STARTS: u32 = 10;

pub(super) struct WatchedPath {
    pub(super) path: PathBuf,
    /// What was last read.
    pub(super) snapshot: Snapshot,
    pub(super) condition: Condition,
    /// The volumes that it leads through or holds now.
    pub(super) volumes: Volumes,
    reported: Vec<Warning>,
}

/// What became of the path itself.
pub(super) enum Condition {
    /// It can be read.
    Present,
    /// It is not there.
    Missing,
    /// It cannot be looked at since then, for this reason.
    Failed(Instant, String),
}

/// What a path holds now.
pub(super) struct Reading {
    result: Result<Snapshot, SnapshotError>,
    pub(super) outcome: Outcome,
}

impl WatchedPath {
    /// Nothing was read yet.
    pub(super) fn new(path: &Path) -> Self {
        let (snapshot, condition, reported) = (Snapshot::default(), Condition::Present, Vec::new());
        Self { path: path.to_owned(), snapshot, condition, volumes: Volumes::default(), reported }
    }

    /// Reads the path for the first time.
    pub(super) async fn start(&mut self, scope: Scope<'_>) -> Result<(), SnapshotError> {
        for start in 1.. {
            let reading = self.read(scope).await;
            if reading.outcome != Outcome::Incomplete || start == MOST_STARTS {
                self.snapshot = reading.result?;
                break;
            }
        }
        Ok(())
    }

    pub(super) fn report_start(&mut self, report: &Report) {
        report.watching(&self.path, self.has_volumes(), &self.snapshot);
        self.report_warnings(report);
    }

    pub(super) fn has_volumes(&self) -> bool {
        !self.volumes.all.is_empty()
    }

    /// When its configuration came to be, at the latest.
    pub(super) fn changed_at(&self, scope: Scope<'_>) -> Option<SystemTime> {
        let written = self.volumes.all.iter().filter_map(|volume| kubelet::written_at(volume));
        written.max().max(last_change(&self.path, scope, self.volumes.is_inside))
    }

    /// Reads what the path holds now.
    pub(super) async fn read(&self, scope: Scope<'_>) -> Reading {
        let before = &self.snapshot;
        let result = Snapshot::read(&self.path, scope, self.volumes.inside(), Some(before)).await;
        let outcome = match &result {
            Ok(snapshot) if self.has_volumes() && !snapshot.is_complete(self.volumes.all.len(), before) => {
                Outcome::Incomplete
            }
            Err(SnapshotError::Unreadable { .. }) => Outcome::Failed,
            Ok(_) | Err(SnapshotError::Missing(_)) => Outcome::Settled,
        };
        Reading { result, outcome }
    }

    /// Notes whether the path is there and can be read. Returns whether it can be looked at again.
    pub(super) fn note(&mut self, reading: &Reading, report: &Report) -> bool {
        let new = match &reading.result {
            Ok(_) => Condition::Present,
            Err(SnapshotError::Missing(_)) => Condition::Missing,
            Err(error) => Condition::Failed(Instant::now(), error.to_string()),
        };
        let is_same = mem::discriminant(&new) == mem::discriminant(&self.condition);
        let was_failed = matches!(self.condition, Condition::Failed(..));
        if !is_same {
            let was_present = matches!(self.condition, Condition::Present);
            match &new {
                Condition::Present => report.back(&self.path),
                Condition::Missing => report.gone(&self.path, was_present),
                Condition::Failed(_, error) => report.unseen(&self.path, error, was_present),
            }
            self.condition = new;
        }
        was_failed && !is_same
    }

    /// Takes in what was read. Returns the snapshot before it if that differs. A path that is missing or cannot be read
    /// is not a change: the last configuration remains the goal.
    pub(super) fn accept(&mut self, reading: Reading, report: &Report) -> Option<Snapshot> {
        let snapshot = reading.result.ok()?;
        let before = mem::replace(&mut self.snapshot, snapshot);
        self.report_warnings(report);
        (before.digest != self.snapshot.digest).then_some(before)
    }

    /// The digest of what it holds, if it is there. While it cannot be looked at, that is the last one.
    pub(super) fn held(&self, last: Option<Digest>) -> Option<Digest> {
        match self.condition {
            Condition::Present => Some(self.snapshot.digest),
            Condition::Missing => None,
            Condition::Failed(..) => last,
        }
    }

    /// Whether the path holds something else than what was last read, or went or came back.
    pub(super) async fn has_changed(&mut self, scope: Scope<'_>, report: &Report) -> bool {
        let was_missing = matches!(self.condition, Condition::Missing);
        let reading = self.read(scope).await;
        match &reading.result {
            Ok(snapshot) if !was_missing && snapshot.digest == self.snapshot.digest => {
                // Files that were too young to be trusted by their stat need not be read the next time.
                self.accept(reading, report);
                false
            }
            result => !was_missing || result.is_ok(),
        }
    }

    fn report_warnings(&mut self, report: &Report) {
        for warning in &self.snapshot.notes.warnings {
            if !self.reported.iter().any(|reported| reported.is_like(warning)) {
                report.warning(&self.path, warning);
                self.reported.push(warning.clone());
            }
        }
    }
}
