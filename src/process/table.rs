//! The process table, read with `sysinfo`.

use std::io;

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::Process;

/// All processes that can be seen, without their start times.
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
    Process {
        pid: number(process.pid()),
        parent: process.parent().map(number),
        comm: process.name().to_owned(),
        arguments: process.cmd().to_vec(),
        executable: process.exe().map(ToOwned::to_owned),
        zombie: matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead),
        started: None,
    }
}
