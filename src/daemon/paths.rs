//! From marks to settled changes of the watched paths: settle, digest.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::StartError;
use super::pipeline::Thread;
use super::watched_path::WatchedPath;
use crate::process::boot_time;
use crate::reload::Change;
use crate::report::Report;
use crate::settings::Settings;
use crate::settle::{self, Pace, Readiness};
use crate::volume::{Digest, Scope, Snapshot, SnapshotError, State};
use crate::watch::{Mark, Marks};

/// Times of files are those of the kernel's last tick, so a file may be this much newer than it says
/// (`CONFIG_HZ`=100).
const FILE_TICK: Duration = Duration::from_millis(10);

pub(super) struct Paths {
    settings: Arc<Settings>,
    report: Arc<Report>,
    pace: Pace,
    marks: Arc<Marks>,
    watched: Vec<WatchedPath>,
    /// Paths that changed, with what they held before; told when the signal is out.
    untold: Vec<(usize, Snapshot)>,
    next_settled: Option<Instant>,
}

/// What came of the marks.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) changes: Vec<Change>,
    /// Whether no mark was left to the loop.
    pub(super) all: bool,
}

impl Paths {
    /// What the watched paths hold at start.
    pub(super) async fn read(
        settings: &Arc<Settings>,
        report: &Arc<Report>,
        marks: &Arc<Marks>,
    ) -> Result<Self, StartError> {
        let mut paths = Self {
            settings: Arc::clone(settings),
            report: Arc::clone(report),
            pace: Pace { quiet_period: settings.quiet_period, max_wait: settings.max_wait },
            marks: Arc::clone(marks),
            watched: Vec::new(),
            untold: Vec::new(),
            next_settled: None,
        };
        for path in &settings.config_dir {
            let (state, snapshot) = Snapshot::with_state(path, scope(settings), None).await;
            let snapshot = snapshot?;
            report.watching(path, state.layout(), &snapshot);
            paths.watched.push(WatchedPath::new(path.clone(), state, snapshot, report));
        }
        Ok(paths)
    }

    /// What is there at start, as a change: when it came to be is known from the files only.
    pub(super) fn configuration_at_start(&self) -> Change {
        let newest = self.watched.iter().map(WatchedPath::changed_at).max();
        let age = newest.and_then(|newest| SystemTime::now().duration_since(newest).ok()).unwrap_or_default();
        let seen = (boot_time() + FILE_TICK).saturating_sub(age);
        Change { digest: self.digest(), first_event: Instant::now(), began: seen, seen }
    }

    pub(super) fn digest(&self) -> Digest {
        let digests: Vec<Digest> = self.watched.iter().map(|watched| watched.snapshot.digest()).collect();
        Digest::combined(&digests)
    }

    /// What was last seen at each watched path.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.watched.iter().map(|watched| &watched.snapshot)
    }

    /// Watched paths that are not there.
    pub(super) fn missing(&self) -> impl Iterator<Item = &Path> {
        self.watched.iter().filter(|watched| watched.is_missing()).map(|watched| watched.path.as_path())
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.next_settled
    }

    /// Takes in what has settled. The event thread leaves to the loop what may take long or needs another watch: it
    /// is here for volumes, which are settled by the event that completes them.
    pub(super) async fn settle(&mut self, thread: Thread) -> Settled {
        let mut settled = Settled { changes: Vec::new(), all: true };
        self.next_settled = None;
        for index in 0..self.watched.len() {
            // Every event counts until the readiness is known: the kubelet's next one may complete the volume.
            let Some(mark) = self.marks.peek(index) else { continue };
            if mark.moved {
                settled.all = false;
                continue;
            }
            let watched = &mut self.watched[index];
            let renamed = self.marks.take_renamed(index);
            watched.state = match thread {
                Thread::Loop => State::of(&watched.path),
                Thread::Events => watched.state.again(!renamed),
            };
            let readiness = watched.state.readiness;
            if !watched.state.is_volume() && thread == Thread::Events {
                settled.all = false;
                continue;
            }
            if readiness == Readiness::Plain {
                // Further events only prolong the wait.
                self.marks.sleep_through(index);
            }
            let due = settle::due(&mark, readiness, self.pace);
            if due > Instant::now() {
                self.next_settled = Some(self.next_settled.map_or(due, |earliest| earliest.min(due)));
            } else if let Some(mark) = self.marks.take(index) {
                settled.changes.extend(self.look(index, mark).await);
            }
        }
        settled
    }

    /// Reads the path again, in the state in which it was just seen.
    async fn look(&mut self, index: usize, mark: Mark) -> Option<Change> {
        let watched = &mut self.watched[index];
        if mark.moved {
            // Its places come first.
            self.marks.restore(index, mark);
            return None;
        }
        let (state, scope, before) = (&watched.state, scope(&self.settings), Some(&watched.snapshot));
        let result = Snapshot::in_state(&watched.path, state, scope, before).await;
        let overdue = mark.first.elapsed() >= self.pace.max_wait;
        if state.readiness == Readiness::Consistent && !overdue && !state.held(&result) {
            // The kubelet began its next update meanwhile; what was read is part of both.
            self.marks.restore(index, mark);
            return None;
        }
        match result {
            Ok(snapshot) => {
                if let Some(before) = watched.see(snapshot, &self.report) {
                    self.untold.push((index, before));
                }
            }
            Err(SnapshotError::Missing(_)) => {
                watched.miss(&self.report);
                return None;
            }
            Err(error) => {
                self.report.survived(&error);
                return None;
            }
        }
        let seen = boot_time();
        let began = seen.saturating_sub(mark.first.elapsed());
        Some(Change { digest: self.digest(), first_event: mark.first, began, seen })
    }

    /// Marks what holds something else than was seen last.
    pub(super) async fn mark_changed(&mut self) {
        for (index, watched) in self.watched.iter_mut().enumerate() {
            if watched.has_changed(scope(&self.settings)).await {
                self.marks.mark(index, Instant::now(), false);
            }
        }
    }

    pub(super) fn tell_changes(&mut self) {
        for (index, before) in self.untold.drain(..) {
            let watched = &self.watched[index];
            self.report.changed(&watched.path, &before, &watched.snapshot);
        }
    }
}

fn scope(settings: &Settings) -> Scope<'_> {
    Scope { ignore: &settings.ignore, recursive: settings.recursive }
}
