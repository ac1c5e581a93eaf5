//! The process table: read as a whole with `sysinfo`, and between whole reads only what is new in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::{Process, proc};

/// For how long names that were read once are taken to be the same. The kernel's name tells of nearly every
/// exec; a program that gives itself another title without one is noticed after this time.
const NAMES_KEPT: Duration = Duration::from_mins(1);

/// The process table as it was seen last.
#[derive(Debug, Default)]
pub(super) struct Table {
    processes: Vec<Process>,
    read_at: Option<Instant>,
}

impl Table {
    /// Reads all of it.
    pub(super) fn read(&mut self, now: Instant) -> io::Result<&[Process]> {
        self.processes = scan()?;
        self.read_at = Some(now);
        Ok(&self.processes)
    }

    /// Reads what is new: a process that is the same as before by PID, start and kernel's name keeps the names
    /// that were read less than a minute ago. Thousands of updates in a row cost a file for each process, not
    /// seven.
    pub(super) fn refresh(&mut self, now: Instant) -> io::Result<&[Process]> {
        if self.read_at.is_none_or(|at| now.duration_since(at) >= NAMES_KEPT) {
            return self.read(now);
        }
        let known = std::mem::take(&mut self.processes);
        let mut known: BTreeMap<i32, Process> =
            known.into_iter().map(|process| (process.pid, process)).collect();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            if let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) {
                // What is gone by now is none.
                self.processes.extend(refreshed(pid, known.remove(&pid)));
            }
        }
        Ok(&self.processes)
    }
}

fn refreshed(pid: i32, known: Option<Process>) -> Option<Process> {
    let now = proc::read_stat(pid).ok()?;
    match known {
        Some(known) if known.started == now.started && known.comm == now.comm => {
            Some(Process { arguments: known.arguments, executable: known.executable, ..now })
        }
        _ => proc::read(pid).ok(),
    }
}

/// All processes that can be seen.
pub(super) fn scan() -> io::Result<Vec<Process>> {
    // A table of its own each time: what a process was before an exec must not linger.
    let mut system = System::new().map_err(io::Error::other)?;
    let names = ProcessRefreshKind::nothing()
        .without_tasks()
        .with_cmd(UpdateKind::Always)
        .with_exe(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, names);
    Ok(system.processes().values().map(to_process).collect())
}

fn to_process(process: &sysinfo::Process) -> Process {
    // Both are pid_t in the kernel, and so fit.
    let number = |pid: Pid| i32::try_from(pid.as_u32()).unwrap_or_default();
    let pid = number(process.pid());
    Process {
        pid,
        parent: process.parent().map(number),
        comm: process.name().to_owned(),
        arguments: process.cmd().to_vec(),
        executable: process.exe().map(ToOwned::to_owned),
        zombie: matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead),
        // `sysinfo` knows it in seconds only.
        started: proc::read_stat(pid).ok().and_then(|process| process.started),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("100").stdout(Stdio::null()).spawn().unwrap()
    }

    fn pid_of(child: &Child) -> i32 {
        i32::try_from(child.id()).unwrap()
    }

    fn row(table: &[Process], pid: i32) -> Option<Process> {
        table.iter().find(|process| process.pid == pid).cloned()
    }

    #[test]
    fn what_is_new_is_as_if_all_were_read() {
        let (mut table, now) = (Table::default(), Instant::now());
        let mut old = sleeper();
        table.read(now).unwrap();
        let mut new = sleeper();
        let refreshed = table.refresh(now).unwrap();
        let whole = scan().unwrap();
        for pid in [pid_of(&old), pid_of(&new), i32::try_from(std::process::id()).unwrap()] {
            // Between fork and exec it still has its parent's name.
            let (Some(seen), Some(expected)) = (row(refreshed, pid), row(&whole, pid)) else {
                panic!("no {pid}")
            };
            assert_eq!((seen.pid, seen.parent, seen.started), (pid, expected.parent, expected.started));
        }
        for child in [&mut old, &mut new] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let refreshed = table.refresh(now).unwrap();
        assert!(row(refreshed, pid_of(&old)).is_none() && row(refreshed, pid_of(&new)).is_none());
    }

    #[test]
    fn names_are_kept_for_a_minute_and_only_where_the_process_is_the_same() {
        let own = i32::try_from(std::process::id()).unwrap();
        let (mut table, start) = (Table::default(), Instant::now());
        let name = |table: &[Process]| row(table, own).unwrap().arguments[0].clone();
        let real = name(table.read(start).unwrap());
        let change = |table: &mut Table, change: fn(&mut Process)| {
            change(table.processes.iter_mut().find(|process| process.pid == own).unwrap());
        };
        change(&mut table, |process| process.arguments = vec!["kept".into()]);
        let before = start + NAMES_KEPT / 2;
        assert_eq!(name(table.refresh(before).unwrap()), "kept");
        assert_eq!(name(table.refresh(start + NAMES_KEPT).unwrap()), real);
        for other in [
            (|process| (process.started, process.arguments) = (None, vec!["old".into()])) as fn(&mut Process),
            |process| (process.comm, process.arguments) = ("other".into(), vec!["old".into()]),
        ] {
            change(&mut table, other);
            assert_eq!(name(table.refresh(before).unwrap()), real);
        }
    }
}
