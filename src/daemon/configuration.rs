//! The configuration: all watched paths together, from events to a change.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::watched_path::{Condition, Reading, WatchedPath};
use super::{Context, StartError};
use crate::process::boot_time;
use crate::reload::{Change, Touched};
use crate::settle::{Outcome, Pace, Settle};
use crate::volume::{Changes, Digest, Snapshot};
use crate::watch::{Hit, Places, Sign};

/// Times of files are those of the kernel's last tick, so a file may be this much newer than it says
/// (`CONFIG_HZ`=100).
const FILE_TICK: Duration = Duration::from_millis(10);

/// What is unsettled for longer than this is pending.
const PENDING_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Configuration {
    context: Arc<Context>,
    settle: Settle,
    watched: Vec<WatchedPath>,
    /// What each watched path held at the last change, in their order; `None` if it was not there.
    last: Vec<Option<Digest>>,
    /// What the watched paths held before the change; for the log, which waits until the signal is out.
    unreported: Vec<(usize, Snapshot)>,
}

impl Configuration {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        let paths = &context.settings.config_dir;
        let pace = Pace { quiet_period: context.settings.quiet_period, max_wait: context.settings.max_wait };
        Self {
            context: Arc::clone(context),
            settle: Settle::new(paths.len(), pace),
            watched: paths.iter().map(|path| WatchedPath::new(path)).collect(),
            last: Vec::new(),
            unreported: Vec::new(),
        }
    }

    /// Reads all watched paths for the first time.
    pub(super) async fn start(&mut self) -> Result<(), StartError> {
        for watched in &mut self.watched {
            watched.start(self.context.scope()).await?;
        }
        for watched in &mut self.watched {
            watched.report_start(&self.context.report);
        }
        self.last = self.watched.iter().map(|watched| Some(watched.snapshot.digest)).collect();
        Ok(())
    }

    /// The watched paths lead elsewhere now.
    pub(super) fn moved(&mut self, places: &Places) {
        for (watched, volumes) in self.watched.iter_mut().zip(places.volumes()) {
            watched.volumes.clone_from(volumes);
        }
    }

    /// What is there at start, as a change: when it came to be is known from the files only.
    pub(super) fn at_start(&self) -> Change {
        let scope = self.context.scope();
        let newest = self.watched.iter().filter_map(|watched| watched.changed_at(scope)).max();
        let age = newest.and_then(|newest| SystemTime::now().duration_since(newest).ok()).unwrap_or_default();
        let seen = (boot_time() + FILE_TICK).saturating_sub(age);
        Change { digest: self.digest(), first_event: Instant::now(), began: seen, seen }
    }

    pub(super) fn digest(&self) -> Digest {
        let digests: Vec<Digest> = self.last.iter().map(|last| last.unwrap_or_default()).collect();
        Digest::combined(&digests)
    }

    /// What was last read at each watched path.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.watched.iter().map(|watched| &watched.snapshot)
    }

    /// Watched paths that are not there.
    pub(super) fn missing(&self) -> impl Iterator<Item = &Path> {
        let is_missing = |watched: &&WatchedPath| matches!(watched.condition, Condition::Missing);
        self.watched.iter().filter(is_missing).map(|watched| watched.path.as_path())
    }

    /// For how long a change may be there that could not be read, and why.
    pub(super) fn pending(&self) -> Option<(Duration, &str)> {
        let failed = self.watched.iter().find_map(|watched| match &watched.condition {
            Condition::Failed(since, error) => Some((since.elapsed(), error.as_str())),
            _ => None,
        });
        let unsettled =
            self.settle.first().map(|first| (first.elapsed(), "the configuration is being written"));
        failed.or(unsettled.filter(|(since, _)| *since >= PENDING_AFTER))
    }

    /// When to go on without an event.
    pub(super) fn due(&self) -> Option<Instant> {
        self.settle.read_at()
    }

    /// Goes as far as events and time allow. With `is_event_thread`, only volumes are read: their update is complete
    /// with the event that is at hand, and they are small. Returns the change that was read, and whether nothing is left to
    /// the loop.
    pub(super) async fn settle(&mut self, is_event_thread: bool) -> (Option<Change>, bool) {
        let now = Instant::now();
        let mut change = None;
        self.take_events();
        while self.due().is_some_and(|at| at <= now) {
            if is_event_thread && !self.settle.is_volumes_only() {
                return (change, false);
            }
            change = self.read(now).await.or(change);
        }
        (change, true)
    }

    /// Moves the events of the inbox to the state machine. Returns whether there were any.
    fn take_events(&mut self) -> bool {
        let mut any = false;
        for (index, watched) in self.watched.iter().enumerate() {
            let Some(mut events) = self.context.inbox.take(index) else { continue };
            any = true;
            if !watched.has_volumes() {
                events.plain = events.plain.max(events.volume.take());
            }
            self.settle.add(index, events);
        }
        any
    }

    /// Reads all watched paths, because one change may touch several. Returns the change.
    async fn read(&mut self, now: Instant) -> Option<Change> {
        let (first, is_overdue) = (self.settle.first().unwrap_or(now), self.settle.is_overdue(now));
        let mut readings: Vec<Reading> = Vec::with_capacity(self.watched.len());
        for (index, watched) in self.watched.iter_mut().enumerate() {
            let reading = watched.read(self.context.scope()).await;
            if watched.note(&reading, &self.context.report) {
                // What could not be looked at could not be watched. It is read again once it is.
                let hit = Hit { watched: index, sign: Sign::Plain, moved: true };
                self.context.inbox.add(hit, None, now);
                self.context.inbox.wake();
            }
            readings.push(reading);
        }
        let outcomes: Vec<Outcome> = readings.iter().map(|reading| reading.outcome).collect();
        // What was written while the paths were read belongs to the change, too.
        if !is_overdue && self.take_events() || !self.settle.read(&outcomes, now) {
            return None;
        }
        for (index, reading) in readings.into_iter().enumerate() {
            if is_overdue {
                self.context.inbox.forget_writers(index);
            }
            if let Some(before) = self.watched[index].accept(reading, &self.context.report) {
                self.unreported.push((index, before));
            }
        }
        if !self.is_change() {
            return None;
        }
        let seen = boot_time();
        let began = seen.saturating_sub(first.elapsed());
        Some(Change { digest: self.digest(), first_event: first, began, seen })
    }

    /// Whether a watched path holds something else than at the last change, which this is then. One that went is no
    /// change: the application keeps what it has. If it was not there at a reload, its return is a change.
    fn is_change(&mut self) -> bool {
        let pairs = self.watched.iter().zip(&self.last);
        let now: Vec<Option<Digest>> = pairs.map(|(watched, last)| watched.held(*last)).collect();
        let is_change = now.iter().zip(&self.last).any(|(now, last)| now.is_some() && now != last);
        if is_change {
            self.last = now;
        }
        is_change
    }

    /// Looks at all watched paths without an event; what is unsettled already is left alone.
    pub(super) async fn resync(&mut self) {
        let now = Instant::now();
        for (index, watched) in self.watched.iter_mut().enumerate() {
            let is_settled = self.settle.first_of(index).is_none();
            if is_settled && watched.has_changed(self.context.scope(), &self.context.report).await {
                self.settle.suspect(index, now);
            }
        }
    }

    /// What the last change touched; no names of volumes, because only the kubelet writes them.
    pub(super) fn touched(&self) -> Touched {
        let mut touched = Touched { names: Vec::new(), is_new: true };
        for (index, before) in &self.unreported {
            let watched = &self.watched[*index];
            if watched.has_volumes() {
                return Touched::default();
            }
            let changes = Changes::between(before, &watched.snapshot);
            touched.names.extend(changes.names().map(|name| watched.path.join(name)));
            touched.is_new &= changes.are_additions();
        }
        touched
    }

    /// Reports the changes that were read.
    pub(super) fn report_changes(&mut self) {
        for (index, before) in self.unreported.drain(..) {
            let watched = &self.watched[index];
            self.context.report.changed(&watched.path, &before, &watched.snapshot);
        }
    }
}
