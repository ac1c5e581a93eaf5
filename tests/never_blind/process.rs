//! What a process costs, by proc(5).

use std::fs;
use std::time::Duration;

/// `USER_HZ`, which is 100 on every architecture that Rust runs Linux on.
const TICKS_PER_SECOND: u64 = 100;

/// Resident memory in KiB.
pub(crate) fn resident(pid: i32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Time on a processor by now, user and system.
pub(crate) fn cpu(pid: i32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// Whether all threads are stopped by a signal.
pub(crate) fn is_stopped(pid: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads
        .map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).unwrap())
        .all(|stat| stat.rsplit(')').next().unwrap().trim_start().starts_with('T'))
}
