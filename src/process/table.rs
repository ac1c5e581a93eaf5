//! The process table, read with `sysinfo`.

use std::io;

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::{Process, StartTime};

/// All processes that can be seen.
pub(super) fn scan() -> io::Result<Vec<Process>> {
    // A table of its own each time: what a process was before an exec must not linger.
    let system = read(ProcessesToUpdate::All)?;
    Ok(system.processes().values().map(to_process).collect())
}

/// One process; `None` if there is none of this PID.
pub(super) fn one(pid: i32) -> Option<Process> {
    let wanted = Pid::from_u32(u32::try_from(pid).ok()?);
    read(ProcessesToUpdate::Some(&[wanted])).ok()?.process(wanted).map(to_process)
}

fn read(which: ProcessesToUpdate<'_>) -> io::Result<System> {
    let mut system = System::new().map_err(io::Error::other)?;
    let kind = ProcessRefreshKind::nothing()
        .without_tasks()
        .with_cmd(UpdateKind::Always)
        .with_exe(UpdateKind::Always);
    system.refresh_processes_specifics(which, true, kind);
    Ok(system)
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
        started: StartTime::of(pid).ok(),
    }
}
