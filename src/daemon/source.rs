//! Keeps the kernel's watches where the watched paths are, and looks without an event where the kernel makes none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::StartError;
use super::alarm::Alarm;
use super::paths::Paths;
use super::shared::Shared;
use crate::report::Report;
use crate::settings::Settings;
use crate::volume;
use crate::watch::{WatchError, Watcher};

/// How often to look where the kernel cannot tell of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

pub(super) struct Source {
    settings: Arc<Settings>,
    report: Arc<Report>,
    shared: Arc<Shared>,
    /// `None` while there is no inotify instance to be had.
    watcher: Option<Watcher>,
    polling: bool,
    next_resync: Option<Instant>,
    alarm: Alarm,
}

impl Source {
    pub(super) fn start(
        settings: &Arc<Settings>,
        report: &Arc<Report>,
        shared: &Arc<Shared>,
        alarm: Alarm,
    ) -> Result<Self, StartError> {
        for path in &settings.config_dir {
            volume::check_readable(path)?;
        }
        let mut source = Self {
            settings: Arc::clone(settings),
            report: Arc::clone(report),
            shared: Arc::clone(shared),
            watcher: None,
            polling: false,
            next_resync: None,
            alarm,
        };
        match source.try_follow() {
            Err(error) if !error.is_limit() => return Err(error.into()),
            result => source.take_in(result),
        }
        source.plan_resync();
        Ok(source)
    }

    /// Resolves once the loop was woken by a mark, or by the time of the next resync.
    pub(super) async fn changed(&self) {
        tokio::select! {
            () = self.shared.marks.changed() => (),
            () = self.alarm.expired() => (),
        }
    }

    /// Finds the places anew where one may have moved.
    pub(super) fn follow_moves(&mut self) {
        if self.shared.marks.take_moved() {
            self.follow();
        }
    }

    /// Looks at everything without an event: some file systems make none, and neither does a parent directory
    /// that is renamed, nor a mount over the path.
    pub(super) async fn resync_if_due(&mut self, paths: &mut Paths) {
        if self.next_resync.is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.follow();
        paths.mark_changed().await;
        self.plan_resync();
    }

    fn plan_resync(&mut self) {
        let polling = self.polling.then_some(POLL_INTERVAL);
        let interval = self.settings.resync_interval.into_iter().chain(polling).min();
        self.next_resync = interval.map(|interval| Instant::now() + interval);
        self.alarm.set(self.next_resync);
    }

    fn follow(&mut self) {
        let result = self.try_follow();
        self.take_in(result);
    }

    fn try_follow(&mut self) -> Result<(), WatchError> {
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            none => {
                let sink = Arc::clone(&self.shared).sink(&self.settings, Arc::clone(&self.report));
                none.insert(Watcher::new(sink)?)
            }
        };
        self.shared.follow(watcher, &self.settings)
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
}
