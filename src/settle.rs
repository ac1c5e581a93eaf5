//! Settle: when does a marked path count as changed? Pure functions of times.

use std::time::{Duration, Instant};

use crate::watch::Mark;

/// How long to wait for what is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// A plain directory must be quiet this long.
    pub quiet_period: Duration,
    /// Nothing waits longer than this.
    pub max_wait: Duration,
}

/// What can be said of a watched path without reading its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// A plain directory or file: only quiet tells that a writer is done.
    Plain,
    /// A kubelet volume whose visible names are those of its payload: nothing more will come.
    Consistent,
    /// A kubelet volume in the middle of an update: the rest announces itself.
    Inconsistent,
}

/// When the change that `mark` stands for is settled, if no further event comes.
#[must_use]
pub fn due(mark: &Mark, readiness: Readiness, pace: Pace) -> Instant {
    let latest = mark.first + pace.max_wait;
    match readiness {
        Readiness::Consistent => mark.first,
        Readiness::Inconsistent => latest,
        Readiness::Plain => latest.min(mark.last + pace.quiet_period),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pace() -> impl Strategy<Value = Pace> {
        (0..500u64, 0..3000u64).prop_map(|(quiet, more)| Pace {
            quiet_period: Duration::from_millis(quiet),
            max_wait: Duration::from_millis(quiet + more),
        })
    }

    fn readiness() -> impl Strategy<Value = Readiness> {
        prop_oneof![Just(Readiness::Plain), Just(Readiness::Consistent), Just(Readiness::Inconsistent)]
    }

    /// An event after this many milliseconds, and what the path is like from then on.
    type Step = (u64, Readiness);

    /// Plays the loop on made-up time; returns the marks that fired, with when.
    fn play(steps: &[Step], pace: Pace, start: Instant) -> Vec<(Instant, Mark, Readiness)> {
        let (mut fired, mut mark, mut now) = (Vec::new(), None::<Mark>, start);
        let mut state = Readiness::Plain;
        for (gap, next) in steps {
            let event_at = now + Duration::from_millis(*gap);
            if let Some(open) = mark
                && due(&open, state, pace) < event_at
            {
                fired.push((due(&open, state, pace).max(now), open, state));
                mark = None;
            }
            (now, state) = (event_at, *next);
            mark = Some(mark.map_or(Mark::new(now, false), |open| open.extended(now, false)));
        }
        fired.extend(mark.map(|open| (due(&open, state, pace).max(now), open, state)));
        fired
    }

    proptest! {
        #[test]
        fn fires_after_the_last_event_and_never_before_its_rule_allows(
            steps in prop::collection::vec((0..800u64, readiness()), 1..60),
            pace in pace(),
        ) {
            let start = Instant::now();
            let events: Vec<Instant> = steps.iter().scan(start, |at, (gap, _)| {
                *at += Duration::from_millis(*gap);
                Some(*at)
            }).collect();
            let fired = play(&steps, pace, start);
            let last = events[events.len() - 1];
            prop_assert!(fired.last().is_some_and(|(at, mark, _)| *at >= last && mark.last == last));
            for (at, mark, readiness) in fired {
                prop_assert!(mark.first <= mark.last && events.contains(&mark.first));
                let quiet = at - mark.last >= pace.quiet_period;
                let waited = at - mark.first >= pace.max_wait;
                match readiness {
                    Readiness::Consistent => prop_assert!(at >= mark.last || waited),
                    Readiness::Plain => prop_assert!(quiet || waited),
                    Readiness::Inconsistent => prop_assert!(waited),
                }
            }
        }

        #[test]
        fn nothing_waits_longer_than_max_wait(
            steps in prop::collection::vec((0..200u64, readiness()), 1..60),
            pace in pace(),
        ) {
            for (at, mark, _) in play(&steps, pace, Instant::now()) {
                prop_assert!(at <= mark.last.max(mark.first + pace.max_wait));
            }
        }
    }

    #[test]
    fn the_rules_by_example() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let pace = Pace { quiet_period: Duration::from_millis(100), max_wait: Duration::from_secs(2) };
        let table = [
            (Readiness::Plain, 0, 0, 100),
            (Readiness::Plain, 0, 50, 150),
            (Readiness::Plain, 0, 1950, 2000),
            (Readiness::Consistent, 10, 500, 10),
            (Readiness::Inconsistent, 10, 500, 2010),
        ];
        for (readiness, first, last, expected) in table {
            let mark = Mark { first: at(first), last: at(last), moved: false };
            assert_eq!(due(&mark, readiness, pace), at(expected), "{readiness:?} {first} {last}");
        }
    }
}
