//! Keeps the kernel's watches where the watched paths are, and looks without an event where the kernel makes none.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::StartError;
use super::pipeline::Pipeline;
use super::shared::Shared;
use crate::report::Report;
use crate::scope::Scope;
use crate::settings::Settings;
use crate::watch::{self, Places, WatchError, Watcher};

/// How often to look where the kernel cannot tell of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The places move as the watched paths do. Looking for them again ends after this many moves in a row, because each
/// further move is an event.
const MOST_MOVES: u32 = 5;

pub(super) struct Source {
    settings: Arc<Settings>,
    report: Arc<Report>,
    shared: Arc<Shared>,
    /// `None` while there is no inotify instance to be had.
    watcher: Option<Watcher>,
    is_polling: bool,
}

impl Source {
    pub(super) fn start(
        settings: &Arc<Settings>,
        report: &Arc<Report>,
        shared: &Arc<Shared>,
        pipeline: &mut Pipeline,
    ) -> Result<Self, StartError> {
        watch::refuse_foreign(&settings.config_dir)?;
        let (settings, report, shared) = (Arc::clone(settings), Arc::clone(report), Arc::clone(shared));
        let mut source = Self { settings, report, shared, watcher: None, is_polling: false };
        let result = source.try_follow(pipeline);
        match result {
            Err(error) if !error.is_limit() => return Err(error.into()),
            result => source.note(result, pipeline),
        }
        source.plan_resync(pipeline);
        Ok(source)
    }

    /// Finds the places anew where one may have moved.
    pub(super) fn follow_moves(&mut self, pipeline: &mut Pipeline) {
        if self.shared.inbox.take_moved() {
            self.follow(pipeline);
        }
    }

    /// A directory that could not be watched may be watched by now. What happened there meanwhile made no event.
    pub(super) async fn look_again_if_blind(&mut self, pipeline: &mut Pipeline) {
        if self.is_blind() {
            self.follow(pipeline);
            if !self.is_blind() {
                pipeline.configuration.resync().await;
                pipeline.work(false).await;
            }
            self.plan_resync(pipeline);
        }
    }

    fn is_blind(&self) -> bool {
        self.watcher.as_ref().is_some_and(Watcher::is_blind)
    }

    /// Looks at everything without an event: some file systems make none, and neither does a parent directory
    /// that is renamed, nor a mount over the path.
    pub(super) async fn resync_if_due(&mut self, pipeline: &mut Pipeline) {
        if pipeline.resync_at.is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.follow(pipeline);
        pipeline.configuration.resync().await;
        self.plan_resync(pipeline);
    }

    fn plan_resync(&self, pipeline: &mut Pipeline) {
        let polling = (self.is_polling || self.is_blind()).then_some(POLL_INTERVAL);
        let interval = self.settings.resync_interval.into_iter().chain(polling).min();
        pipeline.resync_at = interval.map(|interval| Instant::now() + interval);
    }

    fn follow(&mut self, pipeline: &mut Pipeline) {
        let result = self.try_follow(pipeline);
        self.note(result, pipeline);
    }

    /// Finds the places of the watched paths, and watches them.
    fn try_follow(&mut self, pipeline: &mut Pipeline) -> Result<(), WatchError> {
        let find = || Places::of(&self.settings.config_dir, Scope::of(&self.settings));
        let mut places = find();
        for _ in 0..MOST_MOVES {
            pipeline.configuration.moved(&places);
            // Before the watches, so that their first event finds its place.
            self.shared.places.write().unwrap_or_else(PoisonError::into_inner).clone_from(&places);
            let watcher = match &mut self.watcher {
                Some(watcher) => watcher,
                none => {
                    let shared = Arc::clone(&self.shared);
                    let sink = shared.sink(Arc::clone(&self.settings), Arc::clone(&self.report));
                    none.insert(Watcher::new(sink)?)
                }
            };
            watcher.set(&places)?;
            // What moved between the look and the watch has made no event.
            let now = find();
            if now == places {
                break;
            }
            places = now;
        }
        Ok(())
    }

    /// Where the kernel cannot watch, polling takes over until it can.
    fn note(&mut self, result: Result<(), WatchError>, pipeline: &mut Pipeline) {
        let was_polling = std::mem::replace(&mut self.is_polling, result.is_err());
        match result {
            Err(error) if !was_polling => self.report.polling(&error, POLL_INTERVAL),
            Ok(()) if was_polling => self.report.watching_again(),
            _ => return,
        }
        self.plan_resync(pipeline);
    }
}
