//! Processes: the process table as the selection sees it. Pure: the table is given to it.

use std::path::Path;

use serde::Serialize;

use super::closest::{Named, closest};
use super::problem::{Code, Problem};
use crate::process::{
    MatchedBy, PidFileError, Pinned, Process, base_name, in_order, matched_by, names, select,
};
use crate::settings::{ProcessSelect, TargetSpec};

/// What was looked for, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProcessFacts {
    /// `PROCESS_NAME`.
    pub name: Option<String>,
    /// `PROCESS_PID_FILE`.
    pub pid_file: Option<String>,
    /// `PROCESS_SELECT`.
    pub select: &'static str,
    /// The processes that match.
    pub matches: Vec<Match>,
    /// The processes that nearly match.
    pub near_misses: Vec<NearMiss>,
    /// The other names that are there, the closest to `PROCESS_NAME` first, five at the most.
    pub closest: Vec<Named>,
    /// Why the PID file names no target.
    pub pid_file_error: Option<String>,
    /// Why the process table cannot be read.
    pub table_error: Option<String>,
}

/// A process that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// Its PID.
    pub pid: i32,
    /// Its name in full.
    pub name: String,
    /// What of it matches.
    pub by: &'static str,
    /// Whether it is a target.
    pub chosen: bool,
    /// Why it is none.
    pub why_not: Option<&'static str>,
}

/// A process that nearly matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearMiss {
    /// Its PID.
    pub pid: i32,
    /// Its name in full.
    pub name: String,
    /// Why it does not match.
    pub why_not: &'static str,
}

/// What is seen of a name longer than the kernel keeps.
const COMM_LENGTH: usize = 15;

impl ProcessFacts {
    /// What was looked for.
    pub(super) fn new(spec: &TargetSpec, mode: ProcessSelect) -> Self {
        let pid_file = spec.pid_file.as_deref().map(|path| path.to_string_lossy().into_owned());
        Self { name: spec.name.clone(), pid_file, select: mode.name(), ..Self::default() }
    }

    /// By name; also returns the targets.
    pub(super) fn by_name(&mut self, table: &[Process], mode: ProcessSelect, own_pid: i32) -> Vec<Process> {
        let name = self.name.clone().unwrap_or_default();
        let chosen = select(table, &name, mode, own_pid);
        for process in select(table, &name, ProcessSelect::All, own_pid) {
            let is_chosen = chosen.iter().any(|target| target.pid == process.pid);
            self.matches.push(Match {
                pid: process.pid,
                name: base_name(&process),
                by: matched_by(&name, &process).map_or("", by),
                chosen: is_chosen,
                why_not: (!is_chosen).then(|| not_chosen(mode)),
            });
        }
        let is_match = |process: &&Process| self.matches.iter().any(|found| found.pid == process.pid);
        let strangers = in_order(table.iter().filter(|process| !is_match(process)).collect());
        for process in &strangers {
            if let Some(why_not) = near_miss(&name, process, own_pid) {
                self.near_misses.push(NearMiss { pid: process.pid, name: base_name(process), why_not });
            }
        }
        let is_other = |process: &&Process| process.pid != own_pid && !process.zombie && !is_kernels(process);
        self.closest = closest(&name, strangers.into_iter().filter(is_other));
        chosen
    }

    /// By PID file; `others` are the PIDs of other sidecars, which are no targets.
    pub(super) fn by_pid_file(
        &mut self,
        path: &Path,
        found: Result<Pinned, PidFileError>,
        is_sidecar: impl Fn(i32) -> bool,
    ) -> Option<Pinned> {
        let found = found.and_then(|target| match target.pid {
            pid if is_sidecar(pid) => Err(PidFileError::OwnPid { path: path.to_owned(), pid }),
            _ => Ok(target),
        });
        match found {
            Ok(target) => {
                let (pid, name) = (target.pid, target.name.clone());
                self.matches.push(Match { pid, name, by: "PID file", chosen: true, why_not: None });
                Some(target)
            }
            Err(error) => {
                self.pid_file_error = Some(error.to_string());
                None
            }
        }
    }

    /// The targets that could not be held.
    pub(super) fn ended(&mut self, is_held: impl Fn(i32) -> bool) {
        for found in self.matches.iter_mut().filter(|found| found.chosen && !is_held(found.pid)) {
            (found.chosen, found.why_not) = (false, Some("it ended while it was looked at"));
        }
    }

    /// Whether there is a target.
    pub(super) fn has_target(&self) -> bool {
        self.matches.iter().any(|found| found.chosen)
    }

    /// Why there is no target.
    pub(super) fn problems(&self) -> Option<Problem> {
        if self.has_target() {
            return None;
        }
        if let Some(error) = &self.table_error {
            return Some(Problem::told(Code::NoProcessTable, "/proc", error));
        }
        match (&self.pid_file, &self.pid_file_error) {
            (Some(path), Some(error)) => Some(pid_file_problem(path, error)),
            _ => Some(self.no_match()),
        }
    }

    fn no_match(&self) -> Problem {
        let name = self.name.as_deref().unwrap_or_default();
        let near = self.near_misses.first().map_or_else(String::new, |miss| {
            format!("; {} (pid {}) is none, because {}", miss.name, miss.pid, miss.why_not)
        });
        let there: Vec<String> = self.closest.iter().map(Named::to_string).collect();
        let there = if there.is_empty() { "no other".to_owned() } else { there.join(", ") };
        let mend = match self.closest.first().filter(|named| named.likely) {
            Some(named) => {
                format!("set PROCESS_NAME={} if that is the one, else start the process", named.name)
            }
            None => "correct PROCESS_NAME, or start the process".to_owned(),
        };
        let what = format!("no process is named {name:?}{near}; there are: {there}");
        Problem::wrong(Code::NoMatch, name, what, &mend)
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pids: Vec<String> = self.pids.iter().take(3).map(ToString::to_string).collect();
        let more = if self.pids.len() > pids.len() { ", …" } else { "" };
        let pid = if self.pids.len() > 1 { "pids" } else { "pid" };
        write!(f, "{} ({pid} {}{more})", self.name, pids.join(", "))
    }
}

/// A thread of the kernel, of which the node has many, and a container none.
fn is_kernels(process: &Process) -> bool {
    process.arguments.is_empty() && process.executable.is_none()
}

fn pid_file_problem(path: &str, error: &str) -> Problem {
    if error.contains("; ") {
        return Problem::told(Code::PidFile, path, error);
    }
    Problem::wrong(Code::PidFile, path, error.to_owned(), "correct PROCESS_PID_FILE or PROCESS_NAME")
}

fn by(matched: MatchedBy) -> &'static str {
    match matched {
        MatchedBy::Argument => "argv[0]",
        MatchedBy::Executable => "executable",
        MatchedBy::Script => "script",
        MatchedBy::Comm => "comm",
        MatchedBy::CutComm => "comm, the first 15 bytes of its name",
    }
}

fn not_chosen(mode: ProcessSelect) -> &'static str {
    match mode {
        ProcessSelect::Root => "a process above it matches (PROCESS_SELECT=root)",
        ProcessSelect::Oldest => "another match is older (PROCESS_SELECT=oldest)",
        ProcessSelect::Newest => "another match is newer (PROCESS_SELECT=newest)",
        ProcessSelect::All => "",
    }
}

fn near_miss(name: &str, process: &Process, own_pid: i32) -> Option<&'static str> {
    if matched_by(name, process).is_some() {
        Some(if process.pid == own_pid {
            "it is the sidecar itself"
        } else {
            "it has ended, and its parent does not reap it (zombie)"
        })
    } else if process.pid == own_pid || process.zombie {
        None
    } else if names(process).iter().any(|other| other.eq_ignore_ascii_case(name)) {
        Some("upper and lower case differ")
    } else if name.len() > COMM_LENGTH && process.comm.as_encoded_bytes() == &name.as_bytes()[..COMM_LENGTH] {
        Some(
            "only its first 15 bytes are the same, and neither argv[0] nor the executable has the whole name",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
