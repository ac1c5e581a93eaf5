//! Aftermath: is the target still there a moment after the signal? (contract 5) Pure: times and the answer
//! are given to it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::process::ProcessId;
use crate::volume::Digest;

/// How long after a signal its target is looked at.
const AFTER: Duration = Duration::from_secs(1);

/// Targets to look at, at most one entry for each.
#[derive(Debug, Default)]
pub struct Aftermath {
    watched: BTreeMap<ProcessId, Watched>,
}

/// A target that was signalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its name in full.
    pub name: String,
    /// The configuration that it was signalled for last.
    pub digest: Digest,
    due: Instant,
    last_signal: Instant,
}

impl Aftermath {
    /// A signal was sent.
    pub fn signalled(&mut self, target: ProcessId, name: &str, digest: Digest, now: Instant) {
        let new = Watched { name: name.to_owned(), digest, due: now + AFTER, last_signal: now };
        let watched = self.watched.entry(target).or_insert(new);
        // The look that is due stays due: reloads without a pause must not put it off for good.
        (watched.digest, watched.last_signal) = (digest, now);
    }

    /// When to look next.
    pub fn due(&self) -> Option<Instant> {
        self.watched.values().map(|watched| watched.due).min()
    }

    /// Looks at the targets that are due, and returns those that are gone.
    pub fn look(&mut self, now: Instant, is_there: impl Fn(ProcessId) -> bool) -> Vec<(ProcessId, Watched)> {
        let mut gone = Vec::new();
        self.watched.retain(|target, watched| {
            if watched.due > now {
                return true;
            }
            if !is_there(*target) {
                gone.push((*target, watched.clone()));
                return false;
            }
            watched.due = watched.last_signal + AFTER;
            watched.due > now
        });
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::StartTime;

    fn target(pid: i32) -> ProcessId {
        ProcessId { pid, started: StartTime::from_ticks(1) }
    }

    #[test]
    fn each_target_is_looked_at_one_second_after_its_last_signal() {
        let (mut aftermath, start) = (Aftermath::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(aftermath.due(), None);
        aftermath.signalled(target(7), "app", Digest::for_tests(1), at(0));
        aftermath.signalled(target(7), "app", Digest::for_tests(2), at(600));
        assert_eq!(aftermath.due(), Some(at(1000)), "not put off");
        assert!(aftermath.look(at(999), |_| false).is_empty());
        assert!(aftermath.look(at(1000), |_| true).is_empty());
        assert_eq!(aftermath.due(), Some(at(1600)), "and once more after the last");
        let gone = aftermath.look(at(1600), |_| false);
        assert_eq!((gone.len(), gone[0].1.digest), (1, Digest::for_tests(2)));
        assert_eq!(aftermath.due(), None);
    }

    #[test]
    fn the_living_are_forgotten() {
        let (mut aftermath, start) = (Aftermath::default(), Instant::now());
        aftermath.signalled(target(7), "app", Digest::for_tests(1), start);
        aftermath.signalled(target(8), "app", Digest::for_tests(1), start);
        let gone = aftermath.look(start + AFTER, |id| id.pid == 7);
        assert_eq!(gone.iter().map(|(id, _)| id.pid).collect::<Vec<_>>(), [8]);
        assert_eq!(aftermath.due(), None);
    }
}
