//! The oracle: what must have come of a burst, by the contract and by what was written. A pure function.

use std::path::PathBuf;

use sidecar_testkit::clock::Nanos;

use crate::clusters::Clusters;
use crate::observed::{Action, Effect, Observed, Read, followed, held};
use crate::view::{Views, is_what_was_read};
use crate::world::Settings;

/// The promises of the contract that are judged here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Law {
    /// P1: a burst within one quiet period is one reload.
    Once,
    /// P2: the last state is always delivered.
    Delivered,
    /// P2: and without a wait that has no cause.
    InTime,
    /// P3: what the target reads is a state that a writer had finished.
    Complete,
    /// P5: no reload without a change.
    Quiet,
    /// P2: the sidecar keeps running.
    Running,
}

/// A broken promise.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) law: Law,
    pub(crate) what: String,
}

/// What the oracle says of a burst.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) violations: Vec<Violation>,
    /// Whether the writers kept their times, so that the number of reloads is judged strictly.
    pub(crate) strict: bool,
    /// Reads that were compared with the finished states, and those that were not.
    pub(crate) judged_reads: usize,
    pub(crate) other_reads: usize,
}

/// How much later than the quiet period a reload may come: a machine under load is slow.
const SLACK: Nanos = 2_000 * MILLI;
/// A file that is created so soon after a signal is held up for so long.
const SOON: Nanos = 60 * MILLI;
const HELD_UP: Nanos = 6_000 * MILLI;
pub(crate) const MILLI: Nanos = 1_000_000;

/// Judges a burst.
pub(crate) fn judge(burst: &Observed, settings: &Settings, paths: &[PathBuf]) -> Verdict {
    let bench = Bench { burst, settings, paths };
    let mut verdict = Verdict { strict: bench.is_strict(), ..Verdict::default() };
    bench.count(&mut verdict);
    bench.delivery(&mut verdict);
    bench.reads(&mut verdict);
    verdict
}

impl Verdict {
    fn broken(&mut self, law: Law, what: String) {
        self.violations.push(Violation { law, what });
    }
}

struct Bench<'a> {
    burst: &'a Observed,
    settings: &'a Settings,
    paths: &'a [PathBuf],
}

impl Bench<'_> {
    fn quiet(&self) -> Nanos {
        self.settings.quiet * MILLI
    }

    /// Some time before `MAX_WAIT` the sidecar may already take it for over, because it saw events later than
    /// the writer made them.
    fn max_wait(&self) -> Nanos {
        (self.settings.max_wait * MILLI).saturating_sub(self.quiet())
    }

    /// Did every thread run when it wanted to?
    fn is_strict(&self) -> bool {
        let actions = &self.burst.actions;
        let gap = |pair: &[Action]| pair[1].end.saturating_sub(pair[0].end);
        let kept = |pair: &[Action]| gap(pair) < pair[1].planned_gap * MILLI + self.quiet() / 6;
        self.burst.stall < self.quiet() / 4 && actions.windows(2).all(kept)
    }

    /// What there was after each action, as far as it can be a change.
    fn states(&self) -> Vec<Views> {
        let mut last = self.burst.start.clone();
        let state = |action: &Action| {
            last = followed(&last, &action.after);
            last.clone()
        };
        self.burst.actions.iter().map(state).collect()
    }

    /// What there is in the end, where a missing path counts as what it was.
    fn end(&self) -> Views {
        let start = &self.burst.start;
        self.states().pop().map_or_else(|| start.clone(), |end| held(start, &end))
    }

    fn count(&self, verdict: &mut Verdict) {
        let allowed = if verdict.strict { self.most_by_clusters() } else { self.most_by_actions() };
        let reloads = self.burst.reloads();
        if reloads > allowed {
            let law = if allowed == 0 { Law::Quiet } else { Law::Once };
            verdict.broken(law, format!("{reloads} reloads, where at most {allowed} can have a cause"));
        }
        for pair in self.burst.digests.windows(2).filter(|pair| pair[0] == pair[1]) {
            verdict.broken(Law::Quiet, format!("two reloads in a row have the digest {}", pair[0]));
        }
    }

    /// Where times were not kept, each action that changed something may be a reload of its own.
    fn most_by_actions(&self) -> usize {
        let states = self.states();
        let before = std::iter::once(&self.burst.start).chain(&states);
        before.zip(&states).filter(|(before, after)| before != after).count()
    }

    fn most_by_clusters(&self) -> usize {
        let states = self.states();
        let mut clusters = Clusters::new(&self.burst.start, self.quiet() / 2, self.max_wait());
        for (action, state) in self.burst.actions.iter().zip(&states) {
            clusters.take(action, state);
        }
        clusters.close();
        clusters.reloads
    }

    fn delivery(&self, verdict: &mut Verdict) {
        let end = self.end();
        let Some(read) = self.burst.reads.last() else {
            if end != self.burst.start {
                verdict.broken(Law::Delivered, "no reload for the last state".to_owned());
            }
            return;
        };
        let now = self.burst.actions.last().map_or(&self.burst.start, |action| &action.after);
        if !is_what_was_read(now, self.paths, &read.files, self.settings) {
            verdict
                .broken(Law::Delivered, format!("the last reload is for another state: {:#?}", read.files));
        }
        let told = self.burst.digests.last();
        if let (Some(fresh), Some(told)) = (&self.burst.fresh_digest, told)
            && fresh != told
        {
            let what = format!("the last reload has the digest {told}, a fresh sidecar finds {fresh}");
            verdict.broken(Law::Delivered, what);
        }
        self.time_of(read, verdict);
    }

    /// A resync never prolongs a change, and neither does anything else that has ended.
    fn time_of(&self, read: &Read, verdict: &mut Verdict) {
        let is_unseen = |action: &Action| action.effect == Effect::Unseen;
        let last = self.burst.actions.iter().map(|action| action.end).max().unwrap_or(read.at);
        if !verdict.strict || self.burst.actions.iter().any(is_unseen) {
            return;
        }
        let took = read.at.saturating_sub(last);
        let held_up = if self.looks_like_a_loop() { HELD_UP } else { 0 };
        if took > self.quiet() + SLACK + held_up {
            let what = format!("the last reload came {} ms after the last action", took / MILLI);
            verdict.broken(Law::InTime, what);
        }
    }

    /// What is written right after a signal looks like the application's own work, and may be held up.
    fn looks_like_a_loop(&self) -> bool {
        let is_soon = |action: &Action, read: &Read| (read.at..read.at + SOON).contains(&action.start);
        self.burst.reads.iter().any(|read| self.burst.actions.iter().any(|action| is_soon(action, read)))
    }

    fn reads(&self, verdict: &mut Verdict) {
        for read in &self.burst.reads {
            if !verdict.strict || !self.can_judge(read) {
                verdict.other_reads += 1;
                continue;
            }
            verdict.judged_reads += 1;
            let finished = self.burst.actions.iter().filter(|action| action.finished);
            let states = finished.map(|action| &action.after).chain([&self.burst.start]);
            let mut matching =
                states.filter(|views| is_what_was_read(views, self.paths, &read.files, self.settings));
            if matching.next().is_none() {
                let what = format!("the target read what no writer had finished: {:#?}", read.files);
                verdict.broken(Law::Complete, what);
            }
        }
    }

    /// When a writer began of which no event tells: in what was just mounted, or in a directory that is so new that
    /// the sidecar may have no watch there.
    fn unseen_since(&self) -> Option<Nanos> {
        let actions = &self.burst.actions;
        let is_new = |at: Nanos| {
            let moved = actions.iter().filter(|action| action.effect == Effect::Moved);
            moved.map(|action| action.end).any(|end| (end..end + self.quiet() / 4).contains(&at))
        };
        let is_unseen =
            |action: &&Action| action.effect == Effect::Unseen || !action.finished && is_new(action.start);
        actions.iter().find(is_unseen).map(|action| action.start)
    }

    /// A read is not judged where an action could come between the sidecar's look and the read, where `MAX_WAIT`
    /// was over, or where events may be missing.
    fn can_judge(&self, read: &Read) -> bool {
        let actions = &self.burst.actions;
        let is_over = actions.first().is_some_and(|first| read.at >= first.start + self.max_wait());
        let overlaps = actions.iter().any(|action| action.start <= read.by && read.at <= action.end);
        // Only what was changed earlier can be another cause of the signal than the action just before it.
        let recent = read.at.saturating_sub(self.quiet() / 4);
        let before = actions.iter().any(|action| action.start < recent);
        let just_now = actions.iter().any(|action| (recent..=read.at).contains(&action.start));
        let is_unseen = self.unseen_since().is_some_and(|since| since < read.at);
        !(is_unseen || is_over || overlaps || before && just_now)
    }
}
