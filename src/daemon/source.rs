//! From events to settled changes: watch, filter, settle, digest.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::StartError;
use super::shared::Shared;
use super::watched_path::WatchedPath;
use crate::process::boot_time;
use crate::reload::Change;
use crate::report::Report;
use crate::settings::Settings;
use crate::settle::{self, Pace, Readiness};
use crate::volume::{self, Digest, Layout, Scope, Snapshot, SnapshotError, State};
use crate::watch::{Mark, WatchError, Watcher};

/// How often to look where the kernel cannot tell of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Times of files are those of the kernel's last tick, so a file may be this much newer than it says
/// (`CONFIG_HZ`=100).
const FILE_TICK: Duration = Duration::from_millis(10);

pub(super) struct Source<'a> {
    settings: &'a Settings,
    report: &'a Arc<Report>,
    pace: Pace,
    shared: Arc<Shared>,
    /// `None` while there is no inotify instance to be had.
    watcher: Option<Watcher>,
    polling: bool,
    paths: Vec<WatchedPath>,
    /// Paths that changed, with what they held before; told when the signal is out.
    untold: Vec<(usize, Snapshot)>,
    next_settled: Option<Instant>,
    next_resync: Option<Instant>,
}

impl<'a> Source<'a> {
    pub(super) async fn start(settings: &'a Settings, report: &'a Arc<Report>) -> Result<Self, StartError> {
        for path in &settings.config_dir {
            volume::check_readable(path)?;
        }
        let pace = Pace { quiet_period: settings.quiet_period, max_wait: settings.max_wait };
        let mut source = Self {
            settings,
            report,
            pace,
            shared: Shared::new(settings.config_dir.len()),
            watcher: None,
            polling: false,
            paths: Vec::new(),
            untold: Vec::new(),
            next_settled: None,
            next_resync: None,
        };
        match source.try_follow() {
            Err(error) if !error.is_limit() => return Err(error.into()),
            result => source.take_in(result),
        }
        // After the watch, so that no change falls between the two.
        for path in &settings.config_dir {
            let snapshot = Snapshot::of(path, source.scope(), None).await?;
            report.watching(path, &Layout::of(path), &snapshot);
            source.paths.push(WatchedPath::new(path.clone(), snapshot, report));
        }
        source.plan_resync();
        Ok(source)
    }

    /// What is there at start, as a change: when it came to be is known from the files only.
    pub(super) fn configuration_at_start(&self) -> Change {
        let newest = self.paths.iter().map(|watched| watched.snapshot.changed_at()).max();
        let age = newest.and_then(|newest| SystemTime::now().duration_since(newest).ok()).unwrap_or_default();
        let seen = (boot_time() + FILE_TICK).saturating_sub(age);
        Change { digest: self.digest(), first_event: Instant::now(), began: seen, seen }
    }

    pub(super) fn digest(&self) -> Digest {
        let digests: Vec<Digest> = self.paths.iter().map(|watched| watched.snapshot.digest()).collect();
        Digest::combined(&digests)
    }

    /// What was last seen at each watched path.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.paths.iter().map(|watched| &watched.snapshot)
    }

    /// Watched paths that are not there.
    pub(super) fn missing(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().filter(|watched| watched.is_missing()).map(|watched| watched.path.as_path())
    }

    pub(super) async fn marked(&self) {
        self.shared.marks.changed().await;
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.next_settled.into_iter().chain(self.next_resync).min()
    }

    /// Takes in what has settled.
    pub(super) async fn settle(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        self.next_settled = None;
        for index in 0..self.paths.len() {
            // Every event wakes until the readiness is known: the kubelet's next one may complete the volume.
            let Some(mark) = self.shared.marks.peek(index) else { continue };
            if mark.moved {
                self.follow_move(index);
            }
            let state = State::of(&self.paths[index].path);
            if state.readiness == Readiness::Plain {
                // Further events only prolong the wait.
                self.shared.marks.sleep_through(index);
            }
            let due = settle::due(&mark, state.readiness, self.pace);
            if due > Instant::now() {
                self.next_settled = Some(self.next_settled.map_or(due, |earliest| earliest.min(due)));
            } else if let Some(mark) = self.shared.marks.take(index) {
                changes.extend(self.look(index, mark, &state).await);
            }
        }
        changes
    }

    /// Reads the path again.
    async fn look(&mut self, index: usize, mark: Mark, state: &State) -> Option<Change> {
        if mark.moved {
            self.follow_move(index);
        }
        let scope = self.scope();
        let watched = &mut self.paths[index];
        let result = Snapshot::of(&watched.path, scope, Some(&watched.snapshot)).await;
        let overdue = mark.first.elapsed() >= self.pace.max_wait;
        if state.readiness == Readiness::Consistent && !overdue && State::of(&watched.path) != *state {
            // The kubelet began its next update meanwhile; what was read is part of both.
            self.shared.marks.restore(index, mark);
            return None;
        }
        match result {
            Ok(snapshot) => {
                if let Some(before) = watched.see(snapshot, self.report) {
                    self.untold.push((index, before));
                }
            }
            Err(SnapshotError::Missing(_)) => {
                watched.miss(self.report);
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

    /// Looks at everything without an event: some file systems make none, and neither does a parent directory
    /// that is renamed, nor a mount over the path.
    pub(super) async fn resync_if_due(&mut self) {
        if self.next_resync.is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.follow();
        let scope = self.scope();
        for (index, watched) in self.paths.iter_mut().enumerate() {
            if watched.has_changed(scope).await {
                self.shared.marks.mark(index, Instant::now(), false);
            }
        }
        self.plan_resync();
    }

    fn plan_resync(&mut self) {
        let polling = self.polling.then_some(POLL_INTERVAL);
        let interval = self.settings.resync_interval.into_iter().chain(polling).min();
        self.next_resync = interval.map(|interval| Instant::now() + interval);
    }

    fn follow_move(&mut self, index: usize) {
        self.shared.marks.moved_seen(index);
        self.follow();
    }

    fn follow(&mut self) {
        let result = self.try_follow();
        self.take_in(result);
    }

    fn try_follow(&mut self) -> Result<(), WatchError> {
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            none => none
                .insert(Watcher::new(Arc::clone(&self.shared).sink(self.settings, Arc::clone(self.report)))?),
        };
        self.shared.follow(watcher, self.settings)
    }

    /// Where the kernel cannot watch, polling takes over until it can.
    fn take_in(&mut self, result: Result<(), WatchError>) {
        let was_polling = std::mem::replace(&mut self.polling, result.is_err());
        match result {
            Err(error) if !was_polling => self.report.polling(&error, POLL_INTERVAL),
            Ok(()) if was_polling => self.report.watching_again(),
            _ => return,
        }
        self.plan_resync();
    }

    pub(super) fn tell_changes(&mut self) {
        for (index, before) in self.untold.drain(..) {
            let watched = &self.paths[index];
            self.report.changed(&watched.path, &before, &watched.snapshot);
        }
    }

    fn scope(&self) -> Scope<'a> {
        Scope { ignore: &self.settings.ignore, recursive: self.settings.recursive }
    }
}
