//! One process, read afresh from `/proc`: what tells whether a PID still is the process that was chosen.
//!
//! `sysinfo` reads the table, but for a single process it reads three times the files, and no start time as
//! fine as the kernel keeps it; between the change and the signal that counts.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::{Process, StartTime};

/// More than 52 numbers and a name need (proc_pid_stat(5)).
const LONGEST_STAT: usize = 2048;

/// Arguments past this matter to no name.
const MOST_ARGUMENTS: usize = 4096;

/// A process with the files open that tell who it is.
#[derive(Debug)]
pub(super) struct Held {
    /// As it was when the files were opened.
    pub(super) process: Process,
    stack: u64,
    stat: StatFile,
    cmdline: File,
}

/// An open `stat`. As any file of `/proc/PID` it stays that of its process: once that is gone, reading it is an error
/// (`ESRCH`), whoever has its PID by then (the kernel's `fs/proc/base.c` keeps the process, not the number).
#[derive(Debug)]
pub(super) struct StatFile {
    pid: i32,
    file: File,
}

/// What `stat` tells.
#[derive(Debug)]
pub(super) struct Stat {
    /// Without arguments and executable.
    pub(super) process: Process,
    /// Where its stack starts: elsewhere after each `execve`. Zero where the kernel does not tell (ptrace(2), "Ptrace
    /// access mode checking").
    stack: u64,
    /// Signals up to 31 that have a handler; bit N-1 is signal N. None where the kernel does not tell (gVisor).
    caught: u32,
}

impl Held {
    pub(super) fn open(pid: i32) -> io::Result<Self> {
        let (stat, cmdline) = (StatFile::open(pid)?, open(pid, "cmdline")?);
        let Stat { process, stack, .. } = stat.read()?;
        let mut buffer = [0; MOST_ARGUMENTS];
        let process = Process {
            arguments: arguments(&cmdline, &mut buffer)?.map(ToOwned::to_owned).collect(),
            executable: fs::read_link(format!("/proc/{pid}/exe")).ok().map(without_deleted),
            ..process
        };
        Ok(Self { process, stack, stat, cmdline })
    }

    /// What `stat` tells now; an error if the process is gone.
    pub(super) fn stat(&self) -> io::Result<Stat> {
        self.stat.read()
    }

    /// What `stat` tells now, if it runs under the same kernel's name and the same parent.
    pub(super) fn unchanged(&self) -> Option<Stat> {
        self.stat().ok().filter(|now| !now.process.zombie && self.process.is_still(&now.process))
    }

    /// Whether it executed no other program, as far as that can be seen: its stack is where it was, or else its
    /// arguments are what they were.
    pub(super) fn is_same_program(&self, now: &Stat) -> bool {
        let same_stack = now.stack != 0 && now.stack == self.stack;
        same_stack || self.has_same_arguments()
    }

    fn has_same_arguments(&self) -> bool {
        let mut buffer = [0; MOST_ARGUMENTS];
        arguments(&self.cmdline, &mut buffer).is_ok_and(|now| now.eq(&self.process.arguments))
    }
}

impl StatFile {
    pub(super) fn open(pid: i32) -> io::Result<Self> {
        Ok(Self { pid, file: open(pid, "stat")? })
    }

    pub(super) fn read(&self) -> io::Result<Stat> {
        let mut buffer = [0; LONGEST_STAT];
        let length = self.file.read_at(&mut buffer, 0)?;
        parse_stat(self.pid, &buffer[..length]).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Stat {
    /// Whether it is certain to have a handler for the signal.
    pub(super) fn catches(&self, signal: i32) -> bool {
        (1..32).contains(&signal) && self.caught >> (signal - 1) & 1 == 1
    }
}

/// The process of this PID.
pub(super) fn read(pid: i32) -> io::Result<Process> {
    Ok(Held::open(pid)?.process)
}

/// The same without arguments and executable, from one file.
pub(super) fn read_stat(pid: i32) -> io::Result<Process> {
    Ok(StatFile::open(pid)?.read()?.process)
}

fn open(pid: i32, file: &str) -> io::Result<File> {
    File::open(format!("/proc/{pid}/{file}"))
}

fn arguments<'a>(
    cmdline: &File,
    buffer: &'a mut [u8],
) -> io::Result<impl Iterator<Item = &'a OsStr> + use<'a>> {
    let length = cmdline.read_at(buffer, 0)?;
    let text = &buffer[..length];
    // A title is padded with zeros. Otherwise an empty argument keeps its place.
    let length = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let count = if length == 0 { 0 } else { usize::MAX };
    Ok(text[..length].split(|byte| *byte == 0).take(count).map(OsStr::from_bytes))
}

/// Fields 2, 3, 4, 20, 22, 28 and 34 of proc_pid_stat(5). The name may hold blanks and parentheses, so the last `)` ends
/// it.
fn parse_stat(pid: i32, stat: &[u8]) -> Option<Stat> {
    let (begin, end) =
        (stat.iter().position(|byte| *byte == b'(')?, stat.iter().rposition(|byte| *byte == b')')?);
    let mut fields = stat.get(end + 1..)?.strip_prefix(b" ")?.split(|byte| *byte == b' ');
    let state = fields.next()?;
    let parent: i32 = number(fields.next()?)?;
    let threads: u32 = number(fields.nth(20 - 5)?)?;
    let started = number(fields.nth(22 - 21)?).map(StartTime::from_ticks)?;
    let stack = fields.nth(28 - 23).and_then(number).unwrap_or_default();
    let caught = fields.nth(34 - 29).and_then(number).unwrap_or_default();
    let process = Process {
        pid,
        parent: (parent > 0).then_some(parent),
        comm: OsStr::from_bytes(stat.get(begin + 1..end)?).to_owned(),
        // If its first thread has ended and others run, it is alive.
        zombie: matches!(state, b"Z" | b"X" | b"x") && threads < 2,
        started: Some(started),
        ..Process::default()
    };
    Some(Stat { process, stack, caught })
}

fn number<T: std::str::FromStr>(field: &[u8]) -> Option<T> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// The kernel's mark of an executable that was replaced on disk (proc_pid_exe(5)).
fn without_deleted(path: PathBuf) -> PathBuf {
    match path.as_os_str().as_bytes().strip_suffix(b" (deleted)") {
        Some(bytes) => PathBuf::from(OsStr::from_bytes(bytes)),
        None => path,
    }
}

#[cfg(test)]
pub(super) mod tests;
