//! What a counter does to its own process, and the further ones that it starts.

use std::env;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sys::inotify::{InitFlags, Inotify};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Uid, getppid, setgid, setgroups, setuid};

use super::options::{Options, User};
use super::record::Role;
use super::{OPTIONS_VARIABLE, signals};

/// Changes the user as a container runtime does before it starts the program.
pub(super) fn become_user(user: User) -> io::Result<()> {
    setgroups(&[])?;
    setgid(Gid::from_raw(user.gid))?;
    setuid(Uid::from_raw(user.uid))?;
    // A change of the user hides /proc/PID/exe even from processes of that user; an exec, which a
    // runtime does after it, shows it again.
    prctl::set_dumpable(true)?;
    Ok(())
}

/// Sets the name that the kernel keeps, which it cuts to 15 bytes.
pub(super) fn set_comm(name: &str) -> io::Result<()> {
    Ok(prctl::set_name(&CString::new(name)?)?)
}

/// Starts this program anew, in this process, under the name that it must have.
pub(super) fn replace_self(options: Options) -> io::Error {
    let (name, next) = options.under_other_name();
    match command(None, &next) {
        Ok(mut command) => command.arg0(name).exec(),
        Err(error) => error,
    }
}

/// Ends this process when the one that started it ends.
pub(super) fn die_with(parent: i32) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid().as_raw() != parent {
        std::process::exit(1); // it has ended already
    }
    Ok(())
}

/// Holds as many inotify instances as its user can have, for as long as it runs.
pub(super) fn use_up_inotify() -> io::Result<()> {
    let mut held = Vec::new();
    while let Ok(instance) = Inotify::init(InitFlags::IN_CLOEXEC) {
        held.push(instance);
    }
    std::mem::forget(held);
    // The error of a process that has no descriptor left looks the same.
    File::open("/proc/self/status").map(drop)
}

/// Starts the workers, and reaps those that end.
pub(super) fn start_workers(options: &Options) -> io::Result<()> {
    for number in 1..=options.workers {
        let worker = options.for_worker(number);
        command(None, &worker)?.spawn()?;
    }
    if options.workers == 0 {
        return Ok(());
    }
    signals::spawn_blocked(|| while waitpid(None, None) != Err(Errno::ECHILD) {})
}

/// Starts the counter as the only child, and ends as it does.
pub(super) fn run_child(options: &Options) -> io::Result<ExitCode> {
    debug_assert_eq!(options.role, Role::Parent);
    let mut command = command(options.program.as_deref(), &options.for_child())?;
    let status = command.spawn()?.wait()?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// A command that runs a counter with these options.
fn command(program: Option<&Path>, options: &Options) -> io::Result<Command> {
    let program = match program {
        Some(program) => program.to_owned(),
        // Not /proc/self/exe itself, of which the kernel would make the name `exe`.
        None => env::current_exe()?,
    };
    let mut command = Command::new(program);
    if options.role != Role::Parent && options.title.is_none() {
        command.args(&options.args);
    }
    command.env(OPTIONS_VARIABLE, serde_json::to_string(options)?);
    Ok(command)
}
