//! The process table: read as a whole with `sysinfo`, and between whole reads only what is new in it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use nix::dir::{Dir, Entry};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Whence, getpid, lseek};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

use super::births::Births;
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
    births: Births,
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
        // Of those that it could not read it says nothing, and some of which a file is open have ended.
        self.births.forget();
        self.stats.clear();
        self.revision += 1;
        self.read_at = Some(now);
        Ok(())
    }

    /// Reads what is new: a process that is the same as before by PID, start and kernel's name keeps the names
    /// that were read less than a minute ago. Thousands of updates in a row cost a file for each process, not
    /// seven; those that were verified just now cost none.
    pub(super) fn refresh(&mut self, is_verified: &dyn Fn(&Process) -> bool, now: Instant) -> io::Result<()> {
        if self.read_at.is_none_or(|at| now.duration_since(at) >= NAMES_KEPT) {
            return self.read(now);
        }
        if self.births.all_listed() {
            self.refresh_rows(is_verified);
            return Ok(());
        }
        let mut proc = proc_from_first_pid()?;
        self.refresh_listed(proc.iter().filter_map(to_pid), is_verified, now)?;
        // Where the kernel lists PIDs otherwise than it is known to, not even this process may be among them.
        if self.rows.iter().any(|row| row.pid == getpid().as_raw()) { Ok(()) } else { self.read(now) }
    }

    /// Makes the rows those of these PIDs, which are all that were to be seen from `now` on.
    fn refresh_listed(
        &mut self,
        pids: impl Iterator<Item = io::Result<i32>>,
        is_verified: &dyn Fn(&Process) -> bool,
        now: Instant,
    ) -> io::Result<()> {
        let (mut seen, mut all) = (0, true);
        for pid in pids {
            let pid = pid?;
            let gone = self.rows[seen..].iter().take_while(|row| row.pid < pid).count();
            self.remove(seen..seen + gone);
            let is_there = self.refresh_row(seen, pid, is_verified);
            seen += usize::from(is_there);
            all &= is_there;
        }
        self.remove(seen..self.rows.len());
        // One that could not be read is looked for again.
        if all {
            self.births.listed(now);
        }
        Ok(())
    }

    /// Looks at those again that were there, but for this process itself, of which nothing matters.
    fn refresh_rows(&mut self, is_verified: &dyn Fn(&Process) -> bool) {
        let (mut seen, own) = (0, getpid().as_raw());
        while let Some(pid) = self.rows.get(seen).map(|row| row.pid) {
            if pid == own || self.refresh_row(seen, pid, is_verified) {
                seen += 1;
            } else {
                // It ended, or could not be read this time.
                self.births.forget();
            }
        }
    }

    /// Makes the row of this PID, which has its place at `index`, as the process is now; returns whether there is one.
    fn refresh_row(&mut self, index: usize, pid: i32, is_verified: &dyn Fn(&Process) -> bool) -> bool {
        let known = self.rows.get(index).filter(|row| row.pid == pid);
        if known.is_some_and(is_verified) {
            return true;
        }
        let is_known = known.is_some();
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
fn proc_from_first_pid() -> io::Result<Dir> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let proc = open("/proc", flags, Mode::empty())?;
    lseek(&proc, FIRST_PID, Whence::SeekSet)?;
    Ok(Dir::from_fd(proc)?)
}

fn to_pid(entry: nix::Result<Entry>) -> Option<io::Result<i32>> {
    let pid = |entry: Entry| entry.file_name().to_str().ok()?.parse().ok();
    entry.map(pid).map_err(io::Error::from).transpose()
}

/// All processes that can be seen.
pub(super) fn scan() -> io::Result<Vec<Process>> {
    let mut system = System::new().map_err(io::Error::other)?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::All,
        true,
        ProcessRefreshKind::nothing().without_tasks(),
    );
    // `sysinfo` loses empty arguments, the threads of a process whose first one ended, and how exactly it started.
    let pids = system.processes().keys().filter_map(|pid| i32::try_from(pid.as_u32()).ok());
    let mut processes: Vec<Process> = pids.filter_map(|pid| proc::read(pid).ok()).collect();
    processes.sort_unstable_by_key(|process| process.pid);
    Ok(processes)
}

#[cfg(test)]
mod tests;
