//! The configuration: all watched paths together, from events to a change.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::StartError;
use super::watched_path::{Condition, Reading, WatchedPath};
use crate::process::boot_time;
use crate::reload::{Change, Touched};
use crate::report::Report;
use crate::scope::Scope;
use crate::settings::Settings;
use crate::settle::{Next, Outcome, Pace, Settle};
use crate::volume::{Changes, Digest, Snapshot};
use crate::watch::{Inbox, Places, Sign};

/// Times of files are those of the kernel's last tick, so a file may be this much newer than it says
/// (`CONFIG_HZ`=100).
const FILE_TICK: Duration = Duration::from_millis(10);

/// What is unsettled for longer than this is pending.
const PENDING_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Configuration {
    settings: Arc<Settings>,
    report: Arc<Report>,
    inbox: Arc<Inbox>,
    settle: Settle,
    watched: Vec<WatchedPath>,
    /// What each watched path held at the last change, in their order; `None` if it was not there.
    last: Vec<Option<Digest>>,
    /// What the watched paths held before the change; for the log, which waits until the signal is out.
    unreported: Vec<(usize, Snapshot)>,
    next: Option<Instant>,
}

/// What came of the events.
pub(super) struct Settled {
    /// The configuration, if it was read.
    pub(super) change: Option<Change>,
    /// Whether nothing is left to the loop.
    pub(super) is_done: bool,
}

impl Configuration {
    pub(super) fn new(settings: &Arc<Settings>, report: &Arc<Report>, inbox: &Arc<Inbox>) -> Self {
        let pace = Pace { quiet_period: settings.quiet_period, max_wait: settings.max_wait };
        Self {
            settings: Arc::clone(settings),
            report: Arc::clone(report),
            inbox: Arc::clone(inbox),
            settle: Settle::new(settings.config_dir.len(), pace),
            watched: settings.config_dir.iter().map(|path| WatchedPath::new(path)).collect(),
            last: Vec::new(),
            unreported: Vec::new(),
            next: None,
        }
    }

    /// Reads all watched paths for the first time.
    pub(super) async fn start(&mut self) -> Result<(), StartError> {
        for watched in &mut self.watched {
            watched.start(Scope::of(&self.settings)).await?;
        }
        for watched in &mut self.watched {
            watched.report_start(&self.report);
        }
        self.last = self.watched.iter().map(|watched| Some(watched.snapshot.digest())).collect();
        Ok(())
    }

    /// The watched paths lead elsewhere now.
    pub(super) fn moved(&mut self, places: &Places) {
        for (watched, volumes) in self.watched.iter_mut().zip(places.volumes()) {
            watched.moved(volumes);
        }
    }

    /// What is there at start, as a change: when it came to be is known from the files only.
    pub(super) fn at_start(&self) -> Change {
        let scope = Scope::of(&self.settings);
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
        self.next
    }

    /// Goes as far as events and time allow. With `is_event_thread`, only volumes are read: their update is complete
    /// with the event that is at hand, and they are small.
    pub(super) async fn settle(&mut self, is_event_thread: bool) -> Settled {
        let now = Instant::now();
        let mut change = None;
        self.take_events();
        loop {
            match self.settle.next(now) {
                Next::Wait(at) => {
                    self.next = at;
                    return Settled { change, is_done: true };
                }
                Next::Read if is_event_thread && !self.settle.is_volumes_only() => {
                    return Settled { change, is_done: false };
                }
                Next::Read => change = self.read(now).await.or(change),
            }
        }
    }

    /// Moves the events of the inbox to the state machine. Returns whether there were any.
    fn take_events(&mut self) -> bool {
        let mut any = false;
        for (index, watched) in self.watched.iter().enumerate() {
            let Some(mut events) = self.inbox.take(index) else { continue };
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
            let reading = watched.read(Scope::of(&self.settings)).await;
            if watched.note(&reading, &self.report) {
                // What could not be looked at could not be watched. It is read again once it is.
                self.inbox.add(index, Sign::Plain, true, None, now);
                self.inbox.wake();
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
                self.inbox.forget_writers(index);
            }
            if let Some(before) = self.watched[index].accept(reading, &self.report) {
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
        let mut is_change = false;
        let mut now = Vec::with_capacity(self.last.len());
        for (watched, last) in self.watched.iter().zip(&self.last) {
            let digest = match watched.condition {
                Condition::Present => Some(watched.snapshot.digest()),
                Condition::Missing => None,
                Condition::Failed(..) => *last,
            };
            is_change |= digest.is_some() && digest != *last;
            now.push(digest);
        }
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
            if is_settled && watched.has_changed(Scope::of(&self.settings), &self.report).await {
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
            self.report.changed(&watched.path, &before, &watched.snapshot);
        }
    }
}
