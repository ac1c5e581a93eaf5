//! Brake: slows down a reload loop, in which the application changes its own configuration whenever it reloads. Pure:
//! times are given to it.
//!
//! A change *echoes* a reload if it begins soon after the signal and touches only names that never changed otherwise. An
//! application that writes a state file at each reload does just that. Other programs write when they like: their names
//! change without a reload before, sooner or later, and are known from then on.

use std::path::PathBuf;
use std::time::Duration;

/// A change that begins so soon after a signal may be caused by it.
const ECHO: Duration = Duration::from_secs(1);
/// Hardly anything but the application itself creates a file so soon.
const QUICK_ECHO: Duration = Duration::from_millis(50);
/// So many echoes in a row are a loop. A quick one that only creates files is a loop at once.
const LOOP: u32 = 3;
/// The pauses between two reloads of a loop double from the first to the longest. After a quick echo nobody but the
/// application itself waits for the next reload, so the pauses begin with three long ones.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const QUICK_PAUSE: Duration = Duration::from_secs(6);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// More names than this are not told apart, and do not count as echoes.
const MOST_NAMES: usize = 500;

/// What a change touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// The names; empty if they are unknown or too many, or if only the kubelet can write them.
    pub names: Vec<PathBuf>,
    /// Whether all of them are new.
    pub is_new: bool,
}

/// Knows which names change without a reload before.
#[derive(Debug, Default)]
pub struct Brake {
    known: Vec<PathBuf>,
    /// The names of the last echo. They become known, unless the next change is an echo of the same names.
    suspects: Vec<PathBuf>,
    in_a_row: u32,
    pause: Option<Duration>,
}

impl Brake {
    /// Judges a change that began so long after the last signal. Returns the pause since that signal which is due, if
    /// this is a loop.
    pub fn judge(&mut self, touched: &Touched, since_signal: Option<Duration>) -> Option<Duration> {
        let since = since_signal.filter(|since| *since <= ECHO && self.may_be_echo(touched));
        let is_same = touched.names.iter().all(|name| self.suspects.contains(name));
        if since.is_none() || !is_same {
            let suspects = std::mem::take(&mut self.suspects);
            self.learn(suspects);
            (self.in_a_row, self.pause) = (0, None);
        }
        let Some(since) = since else {
            self.learn(touched.names.clone());
            return None;
        };
        self.suspects.clone_from(&touched.names);
        self.in_a_row += 1;
        self.pause = match self.pause {
            Some(QUICK_PAUSE) if self.in_a_row <= LOOP => Some(QUICK_PAUSE),
            Some(pause) => Some((pause * 2).min(LONGEST_PAUSE)),
            None if touched.is_new && since <= QUICK_ECHO => Some(QUICK_PAUSE),
            None => (self.in_a_row >= LOOP).then_some(FIRST_PAUSE),
        };
        self.pause
    }

    fn may_be_echo(&self, touched: &Touched) -> bool {
        let is_known = |name: &PathBuf| self.known.iter().any(|known| name.starts_with(known));
        let room = self.known.len() < MOST_NAMES && touched.names.len() < MOST_NAMES;
        room && !touched.names.is_empty() && !touched.names.iter().any(is_known)
    }

    fn learn(&mut self, names: Vec<PathBuf>) {
        for name in names {
            if self.known.len() < MOST_NAMES && !self.known.contains(&name) {
                self.known.push(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names with a `+` are new.
    fn touched(names: &str) -> Touched {
        let is_new = names.split_whitespace().all(|name| name.starts_with('+'));
        let names = names.split_whitespace().map(|name| name.trim_start_matches('+').into()).collect();
        Touched { names, is_new }
    }

    /// What happens, the changes, and the pauses that are due.
    type Case = (&'static str, Vec<(&'static str, Option<u64>)>, Vec<u64>);

    /// Plays changes, each of some names and so many milliseconds after the last signal; returns the pauses in seconds.
    fn play(changes: &[(&str, Option<u64>)]) -> Vec<u64> {
        let mut brake = Brake::default();
        let judged = changes.iter().map(|(names, since)| {
            brake.judge(&touched(names), since.map(Duration::from_millis)).unwrap_or_default().as_secs()
        });
        judged.collect()
    }

    #[test]
    fn the_rules_by_example() {
        const QUICK: Option<u64> = Some(3);
        const SLOW: Option<u64> = Some(600);
        let mut at_once = vec![("conf", None), ("+state", QUICK)];
        at_once.extend([("state", QUICK); 7]);
        let mut slowly = vec![("conf", None)];
        slowly.extend([("state", SLOW); 9]);
        let table: [Case; 11] = [
            ("a state file is written at once", at_once, vec![0, 6, 6, 6, 12, 24, 48, 60, 60]),
            ("a state file is written after a while", slowly, vec![0, 0, 0, 1, 2, 4, 8, 16, 32, 60]),
            (
                "a state file is there already",
                vec![("conf", None), ("state", QUICK), ("state", QUICK)],
                vec![0; 3],
            ),
            (
                "one file is edited quickly",
                vec![("conf", None), ("conf", QUICK), ("conf", QUICK), ("conf", QUICK)],
                vec![0; 4],
            ),
            (
                "other files follow, one after the other",
                vec![("a", None), ("+b", Some(120)), ("+c", Some(120)), ("+d", Some(120)), ("+e", Some(120))],
                vec![0; 5],
            ),
            (
                "a name is held up once only",
                vec![
                    ("a", None),
                    ("+b", QUICK),
                    ("a", Some(5000)),
                    ("b", QUICK),
                    ("a b", QUICK),
                    ("b", QUICK),
                ],
                vec![0, 6, 0, 0, 0, 0],
            ),
            (
                "the user edits during a loop",
                vec![("conf", None), ("+state", QUICK), ("conf state", Some(900)), ("conf", Some(5000))],
                vec![0, 6, 0, 0],
            ),
            (
                "files below a directory that came by itself",
                vec![("dir dir/a", None), ("dir/b", SLOW), ("dir/b", SLOW), ("dir/b", SLOW), ("dir/b", SLOW)],
                vec![0; 5],
            ),
            (
                "the echo comes too late",
                vec![("a", None), ("b", Some(1001)), ("b", Some(1001)), ("b", Some(1001))],
                vec![0; 4],
            ),
            (
                "nothing was reloaded before",
                vec![("+a", None), ("+b", None), ("+c", None), ("+d", None)],
                vec![0; 4],
            ),
            ("the kubelet wrote", vec![("", QUICK), ("", QUICK), ("", QUICK), ("", QUICK)], vec![0; 4]),
        ];
        for (what, changes, pauses) in table {
            assert_eq!(play(&changes), pauses, "{what}");
        }
    }

    #[test]
    fn memory_is_bounded_and_beyond_it_nothing_is_held_up() {
        let mut brake = Brake::default();
        for number in 0..10_000 {
            brake.judge(&touched(&number.to_string()), None);
        }
        assert_eq!(brake.known.len(), MOST_NAMES);
        assert_eq!(brake.judge(&touched("+state"), Some(Duration::ZERO)), None);
    }
}
