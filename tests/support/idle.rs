//! How often a process was woken.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use sidecar_testkit::wait;

use super::DEADLINE;

/// How long a process must sleep to count as idle.
const IDLE: Duration = Duration::from_millis(300);

/// For each thread, how often it went to sleep (proc_pid_status(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WakeUps(BTreeMap<String, u64>);

impl WakeUps {
    /// Waits until the process sleeps for a while.
    #[track_caller]
    pub(crate) fn when_idle(pid: i32) -> Self {
        wait::until(DEADLINE, &format!("PID {pid} to sleep"), || {
            let before = Self::of(pid);
            wait::try_until(IDLE, || (Self::of(pid) != before).then_some(())).is_none().then_some(before)
        })
    }

    /// How often all of them together.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Now.
    pub(crate) fn of(pid: i32) -> Self {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let count = |thread: std::io::Result<fs::DirEntry>| {
            let thread = thread.unwrap();
            let status = fs::read_to_string(thread.path().join("status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            (thread.file_name().to_string_lossy().into_owned(), line.unwrap().trim().parse().unwrap())
        };
        Self(threads.map(count).collect())
    }
}
