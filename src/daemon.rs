//! Daemon: the only place that knows the order of the stages.

mod shared;
mod watched_path;

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use self::shared::Shared;
use self::watched_path::WatchedPath;
use crate::process::{Finder, Pinned, boot_time};
use crate::reload::{Change, Plan, Reload};
use crate::report;
use crate::settings::Settings;
use crate::settle::{self, Pace, Readiness};
use crate::signal::{self, Attempt, Outcome};
use crate::volume::{self, Digest, Layout, Snapshot, SnapshotError, State};
use crate::watch::{Mark, WatchError, Watcher};

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A watched path cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A watched path cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

/// Watches and signals until `shutdown` resolves.
pub async fn run(settings: Settings, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    let daemon = async {
        let mut daemon = Daemon::start(settings).await?;
        daemon.find_targets();
        daemon.work().await
    };
    tokio::select! {
        biased;
        () = shutdown => Ok(()),
        result = daemon => result.map(|never: std::convert::Infallible| match never {}),
    }
}

struct Daemon {
    settings: Settings,
    pace: Pace,
    shared: Arc<Shared>,
    watcher: Watcher,
    paths: Vec<WatchedPath>,
    finder: Finder,
    reload: Reload,
    /// Paths that changed, with what they held before; told when the signal is out.
    untold: Vec<(usize, Snapshot)>,
    told_full_name: bool,
}

impl Daemon {
    async fn start(settings: Settings) -> Result<Self, StartError> {
        let shared = Shared::new(settings.config_dir.len());
        for path in &settings.config_dir {
            volume::check_readable(path)?;
        }
        let mut watcher = Watcher::new(Arc::clone(&shared).sink(&settings))?;
        shared.follow(&mut watcher, &settings.config_dir)?;
        // After the watch, so that no change falls between the two.
        let mut paths = Vec::new();
        for path in &settings.config_dir {
            let snapshot = Snapshot::of(path, &settings.ignore, None).await?;
            report::watching(path, &Layout::of(path), &snapshot);
            paths.push(WatchedPath::new(path.clone(), snapshot));
        }
        let reload = Reload::new(combined(&paths));
        let finder = Finder::new(settings.target.clone(), settings.process_select);
        let pace = Pace { quiet_period: settings.quiet_period, max_wait: settings.max_wait };
        let untold = Vec::new();
        let told_full_name = false;
        Ok(Self { settings, pace, shared, watcher, paths, finder, reload, untold, told_full_name })
    }

    /// Knows the targets before the first change comes.
    fn find_targets(&mut self) {
        let targets = self.finder.find();
        report::targets_at_start(&targets, &self.settings);
        self.tell_full_name(targets.iter().flatten());
        report::ready(combined(&self.paths));
    }

    async fn work(&mut self) -> Result<std::convert::Infallible, StartError> {
        loop {
            let settling = self.settle().await;
            if self.reload.due().is_some_and(|due| due <= Instant::now()) {
                self.attempt();
            }
            self.tell_changes();
            let wake_at = settling.into_iter().chain(self.reload.due()).min();
            tokio::select! {
                () = self.shared.marks.changed() => (),
                () = sleep_until(wake_at) => (),
            }
        }
    }

    /// Takes in what has settled; returns when the next path will have.
    async fn settle(&mut self) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for index in 0..self.paths.len() {
            // Every event wakes until the readiness is known: the kubelet's next one may complete the volume.
            let Some(mark) = self.shared.marks.peek(index) else { continue };
            if mark.moved {
                self.follow_move(index);
            }
            let state = State::of(&self.paths[index].path);
            let readiness = state.readiness;
            if readiness == Readiness::Plain {
                // Further events only prolong the wait.
                self.shared.marks.sleep_through(index);
            }
            let due = settle::due(&mark, readiness, self.pace);
            if due <= Instant::now() {
                if let Some(mark) = self.shared.marks.take(index) {
                    self.look(index, mark, &state).await;
                }
            } else {
                next = Some(next.map_or(due, |earliest| earliest.min(due)));
            }
        }
        next
    }

    fn follow_move(&mut self, index: usize) {
        self.shared.marks.moved_seen(index);
        if let Err(error) = self.shared.follow(&mut self.watcher, &self.settings.config_dir) {
            report::survived(&error);
        }
    }

    /// Reads the path again, and wants what it holds now.
    async fn look(&mut self, index: usize, mark: Mark, state: &State) {
        if mark.moved {
            self.follow_move(index);
        }
        let watched = &mut self.paths[index];
        let result = Snapshot::of(&watched.path, &self.settings.ignore, Some(&watched.snapshot)).await;
        let overdue = mark.first.elapsed() >= self.pace.max_wait;
        if state.readiness == Readiness::Consistent && !overdue && State::of(&watched.path) != *state {
            // The kubelet began its next update meanwhile; what was read is part of both.
            return self.shared.marks.restore(index, mark);
        }
        match result {
            Ok(snapshot) => {
                if let Some(before) = watched.see(snapshot) {
                    self.untold.push((index, before));
                }
            }
            Err(SnapshotError::Missing(_)) => return watched.miss(),
            Err(error) => return report::survived(&error),
        }
        let now = Instant::now();
        let seen = boot_time();
        let change = Change {
            digest: combined(&self.paths),
            first_event: mark.first,
            began: seen.saturating_sub(now.duration_since(mark.first)),
            seen,
        };
        self.reload.want(change, now);
    }

    /// Signals every target that does not have the wanted configuration: those known from before at once,
    /// the others after a look through the whole process table. The log waits until that is done.
    fn attempt(&mut self) {
        let Some(change) = self.reload.pending() else { return };
        let mut attempts = self.signal(self.finder.recall());
        let no_target = match self.finder.find() {
            Ok(mut found) => {
                found.retain(|target| attempts.iter().all(|known| known.target.id() != target.id()));
                attempts.extend(self.signal(found));
                None
            }
            Err(reason) => Some(reason),
        };
        let outcomes = attempts.iter().map(|attempt| (attempt.target.id(), &attempt.outcome));
        let conclusion = self.reload.attempted(outcomes, Instant::now());
        self.tell_changes();
        self.tell_full_name(attempts.iter().map(|attempt| &attempt.target));
        for attempt in &attempts {
            report::attempt(attempt, self.settings.reload_signal, &change);
        }
        report::conclusion(&conclusion, no_target.as_ref(), &attempts);
    }

    fn signal(&self, targets: Vec<Pinned>) -> Vec<Attempt> {
        let send = |target: Pinned| {
            let outcome = match self.reload.plan(target.id()) {
                Plan::Signal => signal::send(self.settings.reload_signal, &target),
                Plan::UpToDate => Outcome::UpToDate,
                Plan::Superseded => Outcome::Superseded,
            };
            Attempt { target, outcome, at: Instant::now() }
        };
        targets.into_iter().map(send).collect()
    }

    fn tell_full_name<'a>(&mut self, mut targets: impl Iterator<Item = &'a Pinned>) {
        if let Some(target) = targets.find(|target| target.name_was_cut)
            && !std::mem::replace(&mut self.told_full_name, true)
        {
            report::name_in_full(target);
        }
    }

    fn tell_changes(&mut self) {
        for (index, before) in self.untold.drain(..) {
            let watched = &self.paths[index];
            report::changed(&watched.path, &before, &watched.snapshot);
        }
    }
}

fn combined(paths: &[WatchedPath]) -> Digest {
    let digests: Vec<Digest> = paths.iter().map(|watched| watched.snapshot.digest()).collect();
    Digest::combined(&digests)
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
