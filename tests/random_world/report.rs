//! What is reported: the figures of worlds that passed, and the account of one that did not.

use std::fmt::{self, Write};
use std::ops::Add;

use sidecar_testkit::clock::Nanos;

use crate::observed::Observed;
use crate::oracle::{Law, MILLI, Verdict, Violation};

/// Figures of a world, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Bursts whose reloads were counted strictly, and those where a thread had to wait.
    pub(crate) strict: usize,
    pub(crate) relaxed: usize,
    pub(crate) reloads: usize,
    /// Reads that were compared with the finished states, and those that were not.
    pub(crate) judged_reads: usize,
    pub(crate) other_reads: usize,
}

impl Tally {
    pub(crate) fn take(&mut self, observed: &Observed, verdict: &Verdict) {
        let strict = usize::from(verdict.strict);
        *self = *self
            + Self {
                strict,
                relaxed: 1 - strict,
                reloads: observed.reloads(),
                judged_reads: verdict.judged_reads,
                other_reads: verdict.other_reads,
            };
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            strict: self.strict + other.strict,
            relaxed: self.relaxed + other.relaxed,
            reloads: self.reloads + other.reloads,
            judged_reads: self.judged_reads + other.judged_reads,
            other_reads: self.other_reads + other.other_reads,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strict, relaxed, reloads, judged_reads, other_reads } = self;
        write!(
            formatter,
            "bursts: {strict} judged strictly, {relaxed} relaxed; {reloads} reloads; \
             reads: {judged_reads} compared, {other_reads} not"
        )
    }
}

/// A world in which a promise was broken.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The number of the burst.
    pub(crate) burst: usize,
    pub(crate) violations: Vec<Violation>,
    /// What happened in that burst.
    pub(crate) history: String,
    pub(crate) log: String,
}

impl Failure {
    /// Is the same promise broken in both?
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let laws =
            |failure: &Self| -> Vec<Law> { failure.violations.iter().map(|broken| broken.law).collect() };
        let theirs = laws(other);
        laws(self).iter().any(|law| theirs.contains(law))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "in burst {}:", self.burst)?;
        for Violation { law, what } in &self.violations {
            writeln!(formatter, "  {law:?}: {what}")?;
        }
        write!(formatter, "--- what happened in it\n{}", self.history)?;
        write!(formatter, "--- log of the sidecar\n{}---", self.log)
    }
}

impl Observed {
    /// The actions and signals in their order, with times.
    pub(crate) fn history(&self) -> String {
        let first = self.actions.first().map_or(0, |action| action.start);
        let ms = |at: Nanos| at.saturating_sub(first) / MILLI;
        let mut before = &self.start;
        let mut lines = Vec::new();
        for action in &self.actions {
            let change = if action.after == *before { "no change" } else { "changes" };
            let state = if action.finished { "" } else { ", unfinished" };
            let (start, end) = (ms(action.start), ms(action.end));
            lines.push((action.start, format!("{start:6}..{end} ms {} ({change}{state})", action.label)));
            before = &action.after;
        }
        for read in &self.reads {
            lines.push((read.at, format!("{:6}..{} ms signal", ms(read.at), ms(read.by))));
        }
        lines.sort();
        let mut text = String::new();
        for (_, line) in lines {
            let _ = writeln!(text, "{line}");
        }
        text + &format!("longest stall: {} ms\n", self.stall / MILLI)
    }
}
