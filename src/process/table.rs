//! The process table: read as a whole with `sysinfo`, and between whole reads only what is new in it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Whence, getpid, lseek};
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::proc::StatFile;
use super::{Process, proc};

/// For how long names that were read once are taken to be the same. The kernel's name tells of nearly every
/// exec; a program that gives itself another title without one is noticed after this time.
const NAMES_KEPT: Duration = Duration::from_mins(1);

/// `FIRST_PROCESS_ENTRY` of the kernel's `fs/proc/internal.h` (and of gVisor), where `self` and `thread-self` come
/// first. PIDs follow in their order, each at its number from here.
const FIRST_PID: i64 = 256;

/// So many files of the table stay open, which a pod seldom has processes: to open a file takes as long as to read it.
const MOST_OPEN: usize = 32;

/// The process table as it was seen last.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// In the order of their PIDs, which is that of `/proc`.
    rows: Vec<Process>,
    /// The `stat` of the first few.
    stats: BTreeMap<i32, StatFile>,
    revision: u64,
    read_at: Option<Instant>,
}

impl Table {
    /// All processes that were seen.
    pub(super) fn rows(&self) -> &[Process] {
        &self.rows
    }

    /// Another number whenever another table was seen.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Reads all of it.
    pub(super) fn read(&mut self, now: Instant) -> io::Result<()> {
        self.rows = scan()?;
        self.revision += 1;
        self.read_at = Some(now);
        Ok(())
    }

    /// Reads what is new: a process that is the same as before by PID, start and kernel's name keeps the names
    /// that were read less than a minute ago. Thousands of updates in a row cost a file for each process, not
    /// seven.
    pub(super) fn refresh(&mut self, now: Instant) -> io::Result<()> {
        if self.read_at.is_none_or(|at| now.duration_since(at) >= NAMES_KEPT) {
            return self.read(now);
        }
        let mut seen = 0;
        for entry in pids()?.iter() {
            if let Some(pid) = entry?.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
                let gone = self.rows[seen..].iter().take_while(|row| row.pid < pid).count();
                self.remove(seen..seen + gone);
                seen += usize::from(self.refresh_row(seen, pid));
            }
        }
        self.remove(seen..self.rows.len());
        // Where the kernel lists PIDs otherwise than it is known to, not even this process may be among them.
        if self.rows.iter().any(|row| row.pid == getpid().as_raw()) { Ok(()) } else { self.read(now) }
    }

    /// Makes the row of this PID, which has its place at `index`, as the process is now; returns whether there is one.
    fn refresh_row(&mut self, index: usize, pid: i32) -> bool {
        let is_known = self.rows.get(index).is_some_and(|row| row.pid == pid);
        let now = self.stat(pid);
        let row = if is_known { &mut self.rows[index..=index] } else { &mut [] };
        if let ([row], Some(now)) = (row, &now)
            && row.started == now.started
            && row.comm == now.comm
        {
            let state = (now.parent, now.zombie);
            self.revision += u64::from(state != (row.parent, row.zombie));
            (row.parent, row.zombie) = state;
            return true;
        }
        // What is gone by now is none.
        let new = now.and_then(|_| proc::read(pid).ok());
        self.revision += 1;
        let (end, is_there) = (index + usize::from(is_known), new.is_some());
        self.rows.splice(index..end, new);
        is_there
    }

    /// The process as its `stat` tells it now. A file that is open is of the process that it was opened for.
    fn stat(&mut self, pid: i32) -> Option<Process> {
        if let Some(now) = self.stats.get(&pid).and_then(|open| open.read().ok()) {
            return Some(now.process);
        }
        self.stats.remove(&pid);
        let file = StatFile::open(pid).ok()?;
        let now = file.read().ok()?;
        if self.stats.len() < MOST_OPEN {
            self.stats.insert(pid, file);
        }
        Some(now.process)
    }

    fn remove(&mut self, rows: Range<usize>) {
        self.revision += u64::from(!rows.is_empty());
        for gone in self.rows.drain(rows) {
            self.stats.remove(&gone.pid);
        }
    }
}

/// `/proc` from where its PIDs begin: before them, half a hundred other names would be listed each time.
fn pids() -> io::Result<Dir> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let proc = open("/proc", flags, Mode::empty())?;
    lseek(&proc, FIRST_PID, Whence::SeekSet)?;
    Ok(Dir::from_fd(proc)?)
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
    let mut processes: Vec<Process> = system.processes().values().map(to_process).collect();
    processes.sort_unstable_by_key(|process| process.pid);
    Ok(processes)
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
        table.refresh(now).unwrap();
        let (refreshed, whole) = (table.rows(), scan().unwrap());
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
        table.refresh(now).unwrap();
        let refreshed = table.rows();
        assert!(row(refreshed, pid_of(&old)).is_none() && row(refreshed, pid_of(&new)).is_none());
    }

    #[test]
    fn names_are_kept_for_a_minute_and_only_where_the_process_is_the_same() {
        let own = i32::try_from(std::process::id()).unwrap();
        let (mut table, start) = (Table::default(), Instant::now());
        let name = |table: &Table| row(table.rows(), own).unwrap().arguments[0].clone();
        table.read(start).unwrap();
        let real = name(&table);
        let change = |table: &mut Table, change: fn(&mut Process)| {
            change(table.rows.iter_mut().find(|process| process.pid == own).unwrap());
        };
        change(&mut table, |process| process.arguments = vec!["kept".into()]);
        let before = start + NAMES_KEPT / 2;
        table.refresh(before).unwrap();
        assert_eq!(name(&table), "kept");
        table.refresh(start + NAMES_KEPT).unwrap();
        assert_eq!(name(&table), real);
        for other in [
            (|process| (process.started, process.arguments) = (None, vec!["old".into()])) as fn(&mut Process),
            |process| (process.comm, process.arguments) = ("other".into(), vec!["old".into()]),
        ] {
            change(&mut table, other);
            table.refresh(before).unwrap();
            assert_eq!(name(&table), real);
        }
    }

    /// Rows that were never there, by what a refresh makes of them; processes come and go meanwhile in other tests.
    #[test]
    fn another_revision_is_another_table() {
        let own = i32::try_from(std::process::id()).unwrap();
        let (mut table, now) = (Table::default(), Instant::now());
        let row_of = |pid| Process { pid, ..Process::default() };
        let is_new = |table: &mut Table, change: fn(&mut Process, Process)| {
            let before = table.revision();
            let index = table.rows.iter().position(|process| process.pid == own).unwrap();
            change(&mut table.rows[index], row_of(own));
            table.refresh(now).unwrap();
            table.revision() != before
        };
        table.read(now).unwrap();
        assert!(is_new(&mut table, |row, _| row.zombie = true));
        assert!(is_new(&mut table, |row, _| row.parent = Some(i32::MAX)));
        assert!(is_new(&mut table, |row, other| *row = other), "another process");
        for (at, pid) in [(0, -1), (table.rows.len(), i32::MAX)] {
            let before = table.revision();
            table.rows.insert(at, row_of(pid));
            table.refresh(now).unwrap();
            assert!(table.revision() > before && row(table.rows(), pid).is_none(), "one that is gone");
        }
        let before = table.revision();
        table.rows.retain(|process| process.pid != own);
        table.refresh(now).unwrap();
        assert!(table.revision() > before && row(table.rows(), own).is_some(), "one that is new");
        assert!(table.rows().is_sorted_by_key(|process| process.pid));
        let is_quiet = |_| {
            let before = table.revision();
            table.refresh(now).unwrap();
            table.revision() == before
        };
        assert!((0..1000).any(is_quiet), "the same table is the same revision");
    }
}
