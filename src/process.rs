//! Process: which process is the target? The process table is read here; the choice is pure.

mod births;
mod known;
mod lifetime;
mod name;
mod pid_file;
mod pin;
mod proc;
mod script;
mod select;
mod table;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

pub use known::Recalled;
pub use lifetime::{LOOK_EVERY, Lifetime};
pub use name::{MatchedBy, base_name, matched_by, names};
pub use pid_file::PidFileError;
pub use pin::{Pinned, ProcessId, StartTime, boot_time, pin};
pub(crate) use select::in_order;
pub use select::select;

use self::known::Known;
use self::table::Table;
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
    /// When it started; `None` where that was not read, or the process was gone by then.
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

impl Process {
    fn id(&self) -> Option<ProcessId> {
        Some(ProcessId { pid: self.pid, started: self.started? })
    }

    /// Whether nothing changed that `stat` tells.
    fn is_still(&self, now: &Self) -> bool {
        let told = |process: &Self| (process.pid, process.started, process.parent, process.zombie);
        told(self) == told(now) && self.comm == now.comm
    }
}

/// Finds the targets, and remembers them so that the next change need not wait for the whole table.
#[derive(Debug)]
pub struct Finder {
    spec: TargetSpec,
    mode: ProcessSelect,
    own_pid: i32,
    table: Table,
    known: Vec<Known>,
    /// The revision of the table from which all that was selected is known.
    known_from: Option<u64>,
}

/// All processes that can be seen.
pub fn table() -> io::Result<Vec<Process>> {
    table::scan()
}

/// Whether this very process still runs.
pub fn is_running(id: ProcessId) -> bool {
    proc::read_stat(id.pid).is_ok_and(|now| now.started == Some(id.started) && !now.zombie)
}

impl Finder {
    /// Knows no target yet.
    pub fn new(spec: TargetSpec, mode: ProcessSelect) -> Self {
        let own_pid = nix::unistd::getpid().as_raw();
        Self { spec, mode, own_pid, table: Table::default(), known: Vec::new(), known_from: None }
    }

    /// The targets as they are now, pinned, at least one of them; the whole process table is read.
    pub fn find(&mut self) -> Result<Vec<Arc<Pinned>>, NoTarget> {
        self.find_in(|table, _, now| table.read(now), &[])
    }

    /// Further targets than those that were just recalled; only what is new of the process table is read.
    pub fn find_more(&mut self, recalled: &[ProcessId]) -> Result<Vec<Arc<Pinned>>, NoTarget> {
        self.find_in(Table::refresh, recalled)
    }

    fn find_in(
        &mut self,
        read: impl FnOnce(&mut Table, &dyn Fn(&Process) -> bool, Instant) -> io::Result<()>,
        recalled: &[ProcessId],
    ) -> Result<Vec<Arc<Pinned>>, NoTarget> {
        if let Some(path) = &self.spec.pid_file {
            return Ok(vec![Arc::new(by_pid_file(path, &self.spec, self.own_pid)?)]);
        }
        let is_verified = |row: &Process| self.known.iter().any(|known| known.holds(row));
        read(&mut self.table, &is_verified, Instant::now()).map_err(NoTarget::Table)?;
        let is_same = self.known_from == Some(self.table.revision());
        if is_same && !recalled.is_empty() && recalled.len() == self.known.len() {
            return Ok(Vec::new());
        }
        let name = self.spec.name.as_deref().unwrap_or_default();
        let selected = select(self.table.rows(), name, self.mode, self.own_pid);
        let further = self.take_in(selected, recalled);
        if !further.is_empty() || !recalled.is_empty() {
            Ok(further)
        } else if self.table.rows().iter().all(|process| process.pid == self.own_pid) {
            Err(NoTarget::Alone)
        } else {
            Err(NoTarget::NoMatch(self.spec.name.clone().unwrap_or_default()))
        }
    }

    /// Knows these processes from now on; returns those that were not just recalled, pinned.
    fn take_in(&mut self, selected: Vec<Process>, recalled: &[ProcessId]) -> Vec<Arc<Pinned>> {
        let mut before = std::mem::take(&mut self.known);
        let (mut further, count) = (Vec::new(), selected.len());
        for process in selected {
            let id = process.id();
            let is_recalled = recalled.iter().any(|recalled| Some(*recalled) == id);
            let same = before.iter().position(|known| is_recalled && known.id() == id);
            let mut known = same.map_or_else(|| Known::new(process), |same| before.swap_remove(same));
            if !is_recalled {
                let Some(Recalled { target, .. }) = known.recall(&self.spec, self.mode) else { continue };
                further.push(target);
            }
            if self.known.len() >= MOST_HELD {
                known.let_go();
            }
            self.known.push(known);
        }
        self.known_from = (self.known.len() == count).then(|| self.table.revision());
        further
    }

    /// Verifies the targets that were found last, and hands over each that still is one, before it looks at the next.
    /// There may be more.
    pub fn recall(&mut self, mut each: impl FnMut(Recalled)) {
        // Whether a process still is the oldest or newest of its name, only the whole table tells.
        if matches!(self.mode, ProcessSelect::Root | ProcessSelect::All) {
            for (index, known) in self.known.iter_mut().enumerate() {
                if let Some(recalled) = known.recall(&self.spec, self.mode) {
                    each(recalled);
                }
                if index >= MOST_HELD {
                    known.let_go();
                }
            }
        }
    }
}

/// Each target that is held takes at least three file descriptors.
const MOST_HELD: usize = 16;

/// The process of the PID file, pinned.
pub fn by_pid_file(path: &Path, spec: &TargetSpec, own_pid: i32) -> Result<Pinned, PidFileError> {
    let pid = pid_file::read(path, own_pid)?;
    let no_process = || PidFileError::NoProcess { path: path.to_owned(), pid };
    let process = proc::read(pid).ok().filter(|process| !process.zombie).ok_or_else(no_process)?;
    if !spec.accepts(&process) {
        return Err(PidFileError::OtherName { path: path.to_owned(), pid, name: base_name(&process) });
    }
    pin(&process, spec).ok_or_else(no_process)
}

impl TargetSpec {
    /// Whether the process bears the name, if one is asked for.
    pub fn accepts(&self, process: &Process) -> bool {
        self.name.as_ref().is_none_or(|name| matched_by(name, process).is_some())
    }
}
