//! From settled changes to signals: process, guard, signal, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Context;
use crate::process::{Finder, LOOK_EVERY, Lifetime, NoTarget, Pinned, ProcessId, boot_time, is_running};
use crate::reload::{Change, Conclusion, Plan, Reload};
use crate::settings::{InitialReload, Settings, SignalGuard};
use crate::signal::{self, Aftermath, Attempt, Guard, Outcome};

pub(super) struct Delivery {
    context: Arc<Context>,
    finder: Finder,
    reload: Reload,
    guard: Guard,
    aftermath: Aftermath,
    lifetime: Lifetime,
    next_lifetime_look: Option<Instant>,
    told_full_name: bool,
    why_pending: Option<String>,
}

/// All that the log is to be told of an attempt.
pub(super) struct Told {
    change: Change,
    attempts: Vec<Attempt>,
    no_target: Option<NoTarget>,
    conclusion: Conclusion,
}

impl Delivery {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        let settings = &context.settings;
        Self {
            context: Arc::clone(context),
            finder: Finder::new(settings.target.clone(), settings.process_select),
            reload: Reload::new(settings.min_interval),
            guard: Guard::default(),
            aftermath: Aftermath::default(),
            lifetime: Lifetime::default(),
            next_lifetime_look: settings.exit_with_target.then(Instant::now),
            told_full_name: false,
            why_pending: None,
        }
    }

    /// Knows the targets before the first change comes.
    pub(super) fn start(&mut self, configuration: Change) {
        let now = Instant::now();
        match self.context.settings.initial_reload {
            InitialReload::Never => self.reload.applied(configuration.digest),
            InitialReload::Auto => self.reload.unknown(configuration, now),
            InitialReload::Always => self.reload.unknown(Change { seen: boot_time(), ..configuration }, now),
        }
        // That there are none yet is told by the check at start.
        let targets = self.finder.find().unwrap_or_default();
        self.tell_full_name(targets.iter().map(Arc::as_ref));
        for target in &targets {
            self.context.report.target(target);
            if self.context.settings.signal_guard == SignalGuard::Wait {
                // Whether a target blocks the signal for good takes two looks; this is the first.
                let _ = self.guard.look(target, false, self.context.settings.reload_signal, Instant::now());
            }
        }
    }

    /// A change is reloaded, but not before this pause since the last reload.
    pub(super) fn want(&mut self, change: Change, pause: Duration) {
        let was_pending = self.reload.pending().is_some();
        if !pause.is_zero() {
            self.why_pending = Some("it waits for the end of a reload loop".into());
        }
        if self.reload.want(change, pause, Instant::now()) && was_pending {
            self.context.report.superseded_by_newer();
        }
    }

    /// When a signal was sent last.
    pub(super) fn last_signal(&self) -> Option<Instant> {
        self.reload.last_signal()
    }

    pub(super) fn due(&self) -> impl Iterator<Item = Instant> {
        let deadlines = [self.reload.due(), self.aftermath.due(), self.next_lifetime_look];
        deadlines.into_iter().flatten()
    }

    /// Signals every target that does not have the wanted configuration: those known from before at once,
    /// the others after a look through the whole process table.
    pub(super) fn attempt_if_due(&mut self) -> Option<Told> {
        let change = self.reload.pending()?;
        if self.reload.due().is_none_or(|due| due > Instant::now()) {
            return None;
        }
        // Before the first signal, so that what the application does because of it comes later.
        let now = Instant::now();
        let mut attempts = Vec::new();
        let Self { context, finder, reload, guard, .. } = self;
        let settings = &context.settings;
        finder.recall(|recalled| {
            let was_caught = recalled.catches(settings.reload_signal.number());
            attempts.push(signal(settings, reload, guard, recalled.target, was_caught));
        });
        let recalled = ids(&attempts);
        let found = if recalled.is_empty() { finder.find() } else { finder.find_more(&recalled) };
        let no_target = match found {
            Ok(further) => {
                let signalled =
                    further.into_iter().map(|target| signal(settings, reload, guard, target, false));
                attempts.extend(signalled);
                None
            }
            Err(reason) => Some(reason),
        };
        self.guard.keep(&ids(&attempts));
        let outcomes = attempts.iter().map(|attempt| (attempt.target.id(), &attempt.outcome));
        let conclusion = self.reload.attempted(outcomes, now);
        Some(Told { change, attempts, no_target, conclusion })
    }

    pub(super) fn tell(&mut self, told: Option<Told>) {
        let Some(told) = told else { return };
        self.tell_full_name(told.attempts.iter().map(|attempt| attempt.target.as_ref()));
        for attempt in &told.attempts {
            if attempt.outcome.is_sent() {
                let target = &attempt.target;
                self.aftermath.signalled(target.id(), &target.name, told.change.digest, attempt.at);
            }
            self.context.report.attempt(attempt, &told.change);
        }
        self.why_pending =
            self.context.report.conclusion(&told.conclusion, told.no_target.as_ref(), &told.attempts);
    }

    /// For how long a change is pending, and why.
    pub(super) fn pending(&self) -> Option<(Duration, &str)> {
        let since = self.reload.pending()?.first_event.elapsed();
        Some((since, self.why_pending.as_deref().unwrap_or("it waits for MIN_INTERVAL")))
    }

    fn tell_full_name<'t>(&mut self, mut targets: impl Iterator<Item = &'t Pinned>) {
        if let Some(target) = targets.find(|target| target.name_was_cut)
            && !std::mem::replace(&mut self.told_full_name, true)
        {
            self.context.report.name_in_full(target);
        }
    }

    /// Is a target still there after its signal? Is there a target at all? Returns whether it is gone for good, and that is
    /// the end.
    pub(super) fn look_after_if_due(&mut self) -> bool {
        let now = Instant::now();
        for (id, watched) in self.aftermath.look(now, is_running) {
            self.context.report.died(id, &watched);
        }
        if self.next_lifetime_look.is_none_or(|due| due > now) {
            return false;
        }
        let mut is_there = false;
        self.finder.recall(|_| is_there = true);
        is_there = is_there || self.finder.find().is_ok();
        let is_over = self.lifetime.look(is_there, now);
        self.next_lifetime_look = Some(now + LOOK_EVERY);
        if is_over {
            self.context.report.over();
        }
        is_over
    }
}

fn signal(
    settings: &Settings,
    reload: &Reload,
    guard: &mut Guard,
    target: Arc<Pinned>,
    was_caught: bool,
) -> Attempt {
    let outcome = match reload.plan(target.id()) {
        Plan::UpToDate => Outcome::UpToDate,
        Plan::Superseded => Outcome::Superseded,
        Plan::Signal => {
            signal::send(settings.reload_signal, &target, was_caught, settings.signal_guard, guard)
        }
    };
    Attempt { target, outcome, at: Instant::now() }
}

fn ids(attempts: &[Attempt]) -> Vec<ProcessId> {
    attempts.iter().map(|attempt| attempt.target.id()).collect()
}
