//! Keeps the kernel's watches where the watched paths are, and looks without an event where the kernel makes none.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::StartError;
use super::pipeline::Pipeline;
use super::shared::Shared;
use crate::watch::{self, Places, WatchError, Watcher};

/// How often to look where the kernel cannot tell of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The places move as the watched paths do. Looking for them again ends after this many moves in a row, because each
/// further move is an event.
const MOST_MOVES: u32 = 5;

pub(super) struct Source {
    shared: Arc<Shared>,
    /// `None` while there is no inotify instance to be had.
    watcher: Option<Watcher>,
    is_polling: bool,
}

impl Source {
    pub(super) fn start(shared: &Arc<Shared>, pipeline: &mut Pipeline) -> Result<Self, StartError> {
        watch::refuse_foreign(&shared.context.settings.config_dir)?;
        let mut source = Self { shared: Arc::clone(shared), watcher: None, is_polling: false };
        source.plan_resync(pipeline);
        match source.try_follow(pipeline) {
            Err(error) if !error.may_pass() => return Err(error.into()),
            // The first pass tries again, and tells.
            Err(_) => pipeline.resync_at = Some(Instant::now()),
            Ok(()) => {}
        }
        Ok(source)
    }

    /// Finds the places anew where one may have moved. From time to time it looks at everything without an event: some file
    /// systems make none, and neither does a parent directory that is renamed, nor a mount over the path.
    pub(super) async fn look_if_due(&mut self, pipeline: &mut Pipeline) {
        let is_due = |pipeline: &Pipeline| pipeline.resync_at.is_some_and(|due| due <= Instant::now());
        if self.shared.context.inbox.take_moved() || is_due(pipeline) {
            let result = self.try_follow(pipeline);
            self.note(result, pipeline);
        }
        if is_due(pipeline) {
            pipeline.configuration.resync().await;
            self.plan_resync(pipeline);
        }
    }

    fn plan_resync(&self, pipeline: &mut Pipeline) {
        let polling = self.is_polling.then_some(POLL_INTERVAL);
        let interval = self.shared.context.settings.resync_interval.into_iter().chain(polling).min();
        pipeline.resync_at = interval.map(|interval| Instant::now() + interval);
    }

    /// Finds the places of the watched paths, and watches them.
    fn try_follow(&mut self, pipeline: &mut Pipeline) -> Result<(), WatchError> {
        let context = &self.shared.context;
        let find = || Places::of(&context.settings.config_dir, context.scope());
        let (mut places, mut result) = (find(), Ok(()));
        for _ in 0..MOST_MOVES {
            pipeline.configuration.moved(&places);
            // Before the watches, so that their first event finds its place.
            self.shared.places.write().unwrap_or_else(PoisonError::into_inner).clone_from(&places);
            let watcher = match &mut self.watcher {
                Some(watcher) => watcher,
                none => {
                    let shared = Arc::clone(&self.shared);
                    none.insert(Watcher::new(Box::new(move |event| shared.take(&event)))?)
                }
            };
            result = watcher.set(&places);
            // What moved between the look and the watch has made no event.
            let now = find();
            if now == places {
                break;
            }
            places = now;
        }
        result
    }

    /// Where the kernel cannot watch, polling takes over until it can.
    fn note(&mut self, result: Result<(), WatchError>, pipeline: &mut Pipeline) {
        let was_polling = std::mem::replace(&mut self.is_polling, result.is_err());
        match result {
            Err(error) if !was_polling => self.shared.context.report.polling(&error, POLL_INTERVAL),
            Ok(()) if was_polling => {
                self.shared.context.report.watching_again();
                // What happened meanwhile made no event.
                pipeline.resync_at = Some(Instant::now());
                return;
            }
            _ => return,
        }
        self.plan_resync(pipeline);
    }
}
