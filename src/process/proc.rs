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
        self.stat().ok().filter(|stat| {
            let (now, before) = (&stat.process, &self.process);
            !now.zombie && now.comm == before.comm && now.parent == before.parent
        })
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
    let arguments = buffer[..length].split(|byte| *byte == 0).filter(|argument| !argument.is_empty());
    Ok(arguments.map(OsStr::from_bytes))
}

/// Fields 2, 3, 4, 22, 28 and 34 of proc_pid_stat(5). The name may hold blanks and parentheses, so the last `)` ends
/// it.
fn parse_stat(pid: i32, stat: &[u8]) -> Option<Stat> {
    let (begin, end) =
        (stat.iter().position(|byte| *byte == b'(')?, stat.iter().rposition(|byte| *byte == b')')?);
    let mut fields = stat.get(end + 1..)?.strip_prefix(b" ")?.split(|byte| *byte == b' ');
    let state = fields.next()?;
    let parent: i32 = number(fields.next()?)?;
    let started = number(fields.nth(22 - 5)?).map(StartTime::from_ticks)?;
    let stack = fields.nth(28 - 23).and_then(number).unwrap_or_default();
    let caught = fields.nth(34 - 29).and_then(number).unwrap_or_default();
    let process = Process {
        pid,
        parent: (parent > 0).then_some(parent),
        comm: OsStr::from_bytes(stat.get(begin + 1..end)?).to_owned(),
        zombie: matches!(state, b"Z" | b"X" | b"x"),
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
mod tests {
    use super::*;
    use sidecar_testkit::wait;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    fn until<T>(look: impl FnMut() -> Option<T>) -> T {
        wait::try_until(Duration::from_secs(20), look).unwrap()
    }

    const REST: &str = "S 5 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";

    #[test]
    fn fields_are_found_behind_any_name() {
        for name in ["app", "a b", "a) S 1 (b", "))", "(", ""] {
            let process = parse_stat(7, format!("7 ({name}) {REST}").as_bytes()).unwrap().process;
            let expected = Process {
                pid: 7,
                parent: Some(5),
                comm: name.into(),
                started: Some(StartTime::from_ticks(12345)),
                ..Process::default()
            };
            assert_eq!(process, expected);
        }
    }

    #[test]
    fn a_parent_outside_and_a_zombie_are_told() {
        let stat = parse_stat(7, format!("7 (app) {}", REST.replace("S 5", "Z 0")).as_bytes()).unwrap();
        assert!(stat.process.parent.is_none() && stat.process.zombie);
    }

    #[test]
    fn what_is_no_stat_is_no_process() {
        for text in ["", "7 (app) S 1", "7 (app", ") 7 (", "7 (app) S x 1"] {
            assert!(parse_stat(7, text.as_bytes()).is_none(), "{text}");
        }
        assert!(read(i32::MAX).is_err());
    }

    #[test]
    fn handlers_are_read_bit_by_bit_and_of_standard_signals_only() {
        let catches = |mask: &str, signal| {
            let rest = format!("{REST} 0 0 0 4711 0 0 0 0 0 {mask} 0");
            let stat = parse_stat(7, format!("7 (app) {rest}").as_bytes()).unwrap();
            assert_eq!(stat.stack, 4711);
            stat.catches(signal)
        };
        for signal in 1..32 {
            let mask = (1_u64 << (signal - 1)).to_string();
            let caught: Vec<i32> = (-1..70).filter(|other| catches(&mask, *other)).collect();
            assert_eq!(caught, [signal]);
        }
        assert!(!catches("x", 1) && !catches("", 1), "what is not told is not taken for a handler");
    }

    /// A shell that waits for a line, and becomes `sleep` then.
    fn becomes_sleep() -> (Child, Held) {
        let mut shell = Command::new("sh");
        let child = shell.args(["-c", "read _; exec sleep 60"]).stdin(Stdio::piped()).spawn().unwrap();
        let pid = pid_of(&child);
        // In the middle of an `execve` it has no arguments yet.
        let held = until(|| Held::open(pid).ok().filter(|held| held.process.arguments.len() == 3));
        (child, held)
    }

    fn held_stat(child: &Child) -> Stat {
        StatFile::open(pid_of(child)).unwrap().read().unwrap()
    }

    fn pid_of(child: &Child) -> i32 {
        i32::try_from(child.id()).unwrap()
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn what_is_held_stays_that_process_and_tells_of_its_end() {
        let (mut child, held) = becomes_sleep();
        assert!(held.unchanged().is_some_and(|now| held.is_same_program(&now)));
        child.kill().unwrap();
        let zombie = until(|| held.stat().ok().filter(|now| now.process.zombie));
        assert!(held.unchanged().is_none() && !held.is_same_program(&zombie));
        child.wait().unwrap();
        assert_eq!(held.stat().err().unwrap().raw_os_error(), Some(nix::libc::ESRCH));
    }

    #[test]
    fn another_program_is_told_by_its_name_its_stack_and_its_arguments() {
        let (mut child, held) = becomes_sleep();
        let unseen = |stat: Stat| Stat { stack: 0, ..stat };
        assert!(held.is_same_program(&unseen(held.stat().unwrap())), "by its arguments");
        drop(child.stdin.take());
        until(|| Held::open(pid_of(&child)).ok().filter(|held| held.process.arguments == ["sleep", "60"]));
        let now = held.stat().unwrap();
        assert!(held.unchanged().is_none(), "by its name");
        assert!(!held.is_same_program(&now) && !held.is_same_program(&unseen(now)));
        let (held, now) = (Held { stack: 0, ..held }, unseen(held_stat(&child)));
        assert!(!held.is_same_program(&now), "that no stack is told of is no sameness");
        end(child);
    }

    #[test]
    fn our_own_process_is_as_sysinfo_sees_it() {
        let own = i32::try_from(std::process::id()).unwrap();
        let ours = read(own).unwrap();
        let theirs = super::super::table::scan().unwrap().into_iter().find(|row| row.pid == own).unwrap();
        assert_eq!(ours, theirs);
        assert!(ours.started.is_some());
    }

    #[test]
    fn a_replaced_executable_keeps_its_name() {
        assert_eq!(without_deleted("/bin/app (deleted)".into()), PathBuf::from("/bin/app"));
        assert_eq!(without_deleted("/bin/app".into()), PathBuf::from("/bin/app"));
    }
}
