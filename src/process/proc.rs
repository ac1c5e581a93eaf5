//! One process, read afresh from `/proc`: what tells whether a PID still is the process that was chosen.
//!
//! `sysinfo` reads the table, but for a single process it reads three times the files, and no start time as
//! fine as the kernel keeps it; between the change and the signal that counts.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::{Process, StartTime};

/// More than 52 numbers and a name need (proc_pid_stat(5)).
const LONGEST_STAT: usize = 2048;

/// Arguments past this matter to no name.
const MOST_ARGUMENTS: usize = 4096;

/// The process of this PID.
pub(super) fn read(pid: i32) -> io::Result<Process> {
    let process = read_stat(pid)?;
    let mut buffer = [0; MOST_ARGUMENTS];
    let cmdline = read_start(pid, "cmdline", &mut buffer)?;
    let arguments = cmdline.split(|byte| *byte == 0).filter(|argument| !argument.is_empty());
    Ok(Process {
        arguments: arguments.map(|argument| OsStr::from_bytes(argument).to_owned()).collect(),
        executable: fs::read_link(format!("/proc/{pid}/exe")).ok().map(without_deleted),
        ..process
    })
}

/// The same without arguments and executable, from one file.
pub(super) fn read_stat(pid: i32) -> io::Result<Process> {
    let mut buffer = [0; LONGEST_STAT];
    let stat = read_start(pid, "stat", &mut buffer)?;
    parse_stat(pid, stat).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read_start<'a>(pid: i32, file: &str, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let length = File::open(format!("/proc/{pid}/{file}"))?.read(buffer)?;
    Ok(&buffer[..length])
}

/// Fields 2, 3, 4 and 22 of proc_pid_stat(5). The name may hold blanks and parentheses, so the last `)` ends
/// it.
fn parse_stat(pid: i32, stat: &[u8]) -> Option<Process> {
    let (begin, end) =
        (stat.iter().position(|byte| *byte == b'(')?, stat.iter().rposition(|byte| *byte == b')')?);
    let mut fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let parent: i32 = fields.next()?.parse().ok()?;
    let started = fields.nth(22 - 5)?.parse().ok().map(StartTime::from_ticks)?;
    Some(Process {
        pid,
        parent: (parent > 0).then_some(parent),
        comm: OsStr::from_bytes(stat.get(begin + 1..end)?).to_owned(),
        zombie: matches!(state, "Z" | "X" | "x"),
        started: Some(started),
        ..Process::default()
    })
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

    const REST: &str = "S 5 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";

    #[test]
    fn fields_are_found_behind_any_name() {
        for name in ["app", "a b", "a) S 1 (b", "))", "(", ""] {
            let process = parse_stat(7, format!("7 ({name}) {REST}").as_bytes()).unwrap();
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
        let process = parse_stat(7, format!("7 (app) {}", REST.replace("S 5", "Z 0")).as_bytes()).unwrap();
        assert!(process.parent.is_none() && process.zombie);
    }

    #[test]
    fn what_is_no_stat_is_no_process() {
        for text in ["", "7 (app) S 1", "7 (app", ") 7 (", "7 (app) S x 1"] {
            assert_eq!(parse_stat(7, text.as_bytes()), None, "{text}");
        }
        assert!(read(i32::MAX).is_err());
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
