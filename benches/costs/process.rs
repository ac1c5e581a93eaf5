//! What `/proc` says of the sidecar.

use std::fs;
use std::io;
use std::time::Duration;

/// Its resident memory, in kB (`VmRSS` of proc_pid_status(5)).
pub(crate) fn resident(pid: u32) -> io::Result<u64> {
    field(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmRSS:")
}

/// Context switches of all its threads.
pub(crate) fn switches(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        sum += field(&status, "voluntary_ctxt_switches:")? + field(&status, "nonvoluntary_ctxt_switches:")?;
    }
    Ok(sum)
}

/// CPU time of all its threads, to the nanosecond (`schedstat`).
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += number(text.split(' ').next().unwrap_or_default())?;
    }
    Ok(Duration::from_nanos(sum))
}

fn field(text: &str, name: &str) -> io::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    number(line.trim().split(' ').next().unwrap_or_default())
}

fn number(text: &str) -> io::Result<u64> {
    text.parse().map_err(|_| io::Error::other(format!("{text:?} is no number")))
}
