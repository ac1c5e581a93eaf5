//! Process: which process is the target? The process table is read here; the choice is pure.

mod name;
mod pid_file;
mod pin;
mod select;
mod table;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

pub use name::{MatchedBy, base_name, matched_by};
pub use pid_file::PidFileError;
pub use pin::{Pinned, ProcessId, StartTime, boot_time};
pub use select::select;

use crate::settings::{ProcessSelect, TargetSpec};

/// One process as the table shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Its PID, never below 1.
    pub pid: i32,
    /// Its parent's PID; `None` if that is outside the PID namespace.
    pub parent: Option<i32>,
    /// The kernel's name of it, 15 bytes at the most (proc_pid_comm(5)).
    pub comm: OsString,
    /// Its arguments, the first as the program may have rewritten it (proc_pid_cmdline(5)).
    pub arguments: Vec<OsString>,
    /// Path of its executable, where that is readable (proc_pid_exe(5)).
    pub executable: Option<PathBuf>,
    /// Whether it ended already and only waits for its parent.
    pub zombie: bool,
    /// When it started; `None` if it went away while the table was read.
    pub started: Option<StartTime>,
}

/// No process can be the target now.
#[derive(Debug, thiserror::Error)]
pub enum NoTarget {
    /// No process bears the name.
    #[error("no process is named {0:?}; it may not run yet, else correct PROCESS_NAME")]
    NoMatch(String),
    /// No process but the sidecar can be seen.
    #[error(
        "no process but the sidecar itself is visible; share the PID namespace: shareProcessNamespace: true \
         in the pod, pid: \"service:NAME\" in Compose, --pid container:NAME with Docker"
    )]
    Alone,
    /// The PID file names no process that can be the target.
    #[error(transparent)]
    PidFile(#[from] PidFileError),
    /// The process table cannot be read.
    #[error("cannot read the process table: {0}; /proc must be mounted")]
    Table(#[source] io::Error),
}

/// The targets as they are now, pinned, with at least one of them.
pub fn find_targets(spec: &TargetSpec, mode: ProcessSelect) -> Result<Vec<Pinned>, NoTarget> {
    let own_pid = nix::unistd::getpid().as_raw();
    match &spec.pid_file {
        Some(path) => Ok(vec![by_pid_file(path, spec, own_pid)?]),
        None => by_name(spec, mode, own_pid),
    }
}

fn by_name(spec: &TargetSpec, mode: ProcessSelect, own_pid: i32) -> Result<Vec<Pinned>, NoTarget> {
    let name = spec.name.as_deref().unwrap_or_default();
    let table = table::scan().map_err(NoTarget::Table)?;
    let chosen = select(&table, name, mode, own_pid);
    let pinned: Vec<Pinned> = chosen.iter().filter_map(|process| pin::pin(process, spec)).collect();
    if !pinned.is_empty() {
        Ok(pinned)
    } else if table.iter().all(|process| process.pid == own_pid) {
        Err(NoTarget::Alone)
    } else {
        Err(NoTarget::NoMatch(name.to_owned()))
    }
}

fn by_pid_file(path: &Path, spec: &TargetSpec, own_pid: i32) -> Result<Pinned, PidFileError> {
    let pid = pid_file::read(path, own_pid)?;
    let no_process = || PidFileError::NoProcess { path: path.to_owned(), pid };
    let process = table::one(pid).filter(|process| !process.zombie).ok_or_else(no_process)?;
    if !spec.accepts(&process) {
        return Err(PidFileError::OtherName { path: path.to_owned(), pid, name: base_name(&process) });
    }
    pin::pin(&process, spec).ok_or_else(no_process)
}

impl TargetSpec {
    /// Whether the process bears the name, if one is asked for.
    #[must_use]
    pub fn accepts(&self, process: &Process) -> bool {
        self.name.as_ref().is_none_or(|name| matched_by(name, process).is_some())
    }
}
