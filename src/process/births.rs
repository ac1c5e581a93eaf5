//! Births: may a process have come since all of them were listed?

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// The last PID that was given out in this PID namespace, for a thread or a process (the kernel's
/// `Documentation/admin-guide/sysctl/kernel.rst`). Missing without `CONFIG_CHECKPOINT_RESTORE`, and in gVisor. It
/// does not tell of a PID that was asked for by its number (clone3(2), `set_tid`), as by CRIU when it restores, nor when a
/// process that `/proc` hid is shown (proc(5), `hidepid`); those are found when all are read again.
const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

/// A new process has its PID before it can be seen in `/proc`, and may wait in between for its cgroup or its share of the
/// processor (`copy_process` of `kernel/fork.c`): seldom as long as this.
pub(super) const LONG_FORK: Duration = Duration::from_secs(1);

/// More than a PID and the end of its line need.
const LONGEST_PID: usize = 16;

/// What is known of the processes that came.
#[derive(Debug, Default)]
pub(super) struct Births {
    file: Option<File>,
    seen: Seen,
}

#[derive(Debug, Default)]
struct Seen {
    last_pid: Option<i32>,
    /// When that was the last PID for the first time.
    since: Option<Instant>,
    /// When the last whole listing began.
    listed: Option<Instant>,
}

impl Births {
    /// Whether a listing has seen every process there is, as far as the kernel tells; some may have ended since.
    pub(super) fn all_listed(&mut self) -> bool {
        let last_pid = self.last_pid();
        // Not before: the PID may have been given out a moment ago.
        self.seen.all_listed(last_pid, Instant::now())
    }

    /// All were listed, from this moment on.
    pub(super) fn listed(&mut self, began: Instant) {
        self.seen.listed = Some(began);
    }

    /// Something was lost; all must be listed again.
    pub(super) fn forget(&mut self) {
        self.seen = Seen::default();
    }

    fn last_pid(&mut self) -> Option<i32> {
        if self.file.is_none() {
            self.file = File::open(LAST_PID).ok();
        }
        let mut line = [0; LONGEST_PID];
        let length = self.file.as_ref()?.read_at(&mut line, 0).ok()?;
        std::str::from_utf8(line[..length].strip_suffix(b"\n")?).ok()?.parse().ok()
    }
}

#[cfg(test)]
impl Births {
    /// As if all were listed; waits for a moment in which no other test starts a process.
    pub(super) fn list_in_quiet(&mut self) {
        let deadline = Duration::from_secs(20);
        sidecar_testkit::wait::until(deadline, "a moment without a birth", || {
            self.all_listed();
            self.listed(Instant::now() + LONG_FORK);
            self.all_listed().then_some(())
        });
    }
}

/// Whether this kernel tells of births; tests of what it tells are left out if not.
#[cfg(test)]
pub(super) fn is_told() -> bool {
    let told = std::path::Path::new(LAST_PID).exists();
    if !told {
        eprintln!("left out, for there is no {LAST_PID}");
    }
    told
}

impl Seen {
    fn all_listed(&mut self, last_pid: Option<i32>, now: Instant) -> bool {
        if last_pid != self.last_pid {
            *self = Self { last_pid, since: Some(now), listed: None };
        }
        let lag = self.listed.zip(self.since).map(|(listed, since)| listed.saturating_duration_since(since));
        last_pid.is_some() && lag.is_some_and(|lag| lag >= LONG_FORK)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// A process gets a PID, is visible some time later, and may be looked for at any time.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Fork { visible_after: Duration },
        Look,
    }

    fn steps() -> impl Strategy<Value = Vec<(Duration, Step)>> {
        let ms = |range: std::ops::Range<u128>| {
            range.prop_map(|ms| Duration::from_millis(u64::try_from(ms).unwrap()))
        };
        let long = LONG_FORK.as_millis();
        let fork = ms(0..long).prop_map(|visible_after| Step::Fork { visible_after });
        let step = prop_oneof![1 => fork, 4 => Just(Step::Look)];
        prop::collection::vec((ms(0..long + long / 5), step), 1..30)
    }

    proptest! {
        #[test]
        fn no_process_that_came_is_missed(steps in steps()) {
            let (mut seen, mut now) = (Seen::default(), Instant::now());
            let (mut last_pid, mut visible, mut listed) = (1, vec![now], 0);
            for (pause, step) in steps {
                now += pause;
                match step {
                    Step::Fork { visible_after } => {
                        last_pid += 1;
                        visible.push(now + visible_after);
                    }
                    Step::Look if seen.all_listed(Some(last_pid), now) => {
                        let there = visible.iter().filter(|at| **at <= now).count();
                        prop_assert_eq!(listed, there);
                    }
                    Step::Look => {
                        listed = visible.iter().filter(|at| **at <= now).count();
                        seen.listed = Some(now);
                    }
                }
            }
        }
    }

    #[test]
    fn the_third_look_needs_no_list_if_nothing_came_and_forks_had_their_time() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        let mut look = |last_pid, percent| {
            let now = start + LONG_FORK * percent / 100;
            let all_listed = seen.all_listed(last_pid, now);
            if !all_listed {
                seen.listed = Some(now);
            }
            all_listed
        };
        let looks = [
            (7, 0, false),
            (7, 99, false),
            (7, 100, false),
            (7, 101, true),
            (8, 102, false),
            (8, 300, false),
        ];
        for (last_pid, percent, expected) in looks {
            assert_eq!(look(Some(last_pid), percent), expected, "{last_pid} at {percent}");
        }
        assert!(look(Some(8), 301));
        assert!((302..1000).all(|percent| !look(None, percent)), "where the kernel does not tell");
        assert!(!look(Some(8), 1000), "what came meanwhile is unknown");
    }

    #[test]
    fn the_kernel_counts_each_process() {
        if !is_told() {
            return;
        }
        let mut births = Births::default();
        let mut before = births.last_pid().unwrap();
        for _ in 0..3 {
            Command::new("true").status().unwrap();
            let now = births.last_pid().unwrap();
            assert_ne!(now, before);
            before = now;
        }
    }

    #[test]
    fn what_was_lost_is_listed_again() {
        if is_told() {
            let mut births = Births::default();
            births.list_in_quiet();
            births.forget();
            assert!(!births.all_listed());
        }
    }
}
