//! The program `sighup-counter`: counts the signals it gets, and tells which configuration it could
//! read when each of them came.
//!
//! Its output is one JSON object a line, a [`Record`]. A signal handler notes time, sender and
//! number in a pipe; a thread takes them out, reads the configuration and writes the line. So no
//! signal that the kernel delivers is lost, and the time is that of the delivery. The kernel itself
//! merges standard signals of one number that are pending at once; real-time signals it queues.
//!
//! SIGTERM is recorded like the others and then ends the program with status 0. As PID 1 it does so
//! from its first moment and in every mode.
//!
//! Linked with musl it cannot catch signal 34, the lowest real-time signal of glibc: musl keeps it.

mod config;
mod idle;
mod options;
mod output;
mod process;
mod record;
mod signals;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use nix::libc::SIGTERM;

use idle::Idle;
use output::{Output, Recorder};
use signals::{Caught, Disposition};

pub use options::{Mode, Options, User};
pub use record::{Process, Record, Role, Signal, parse_records};
pub use signals::send;

/// Holds the options, as JSON, of a counter that another counter or a test starts: so its command
/// line is free to look like another program's.
pub const OPTIONS_VARIABLE: &str = "SIGHUP_COUNTER_OPTIONS";

/// Is this process meant to be a counter, whatever its arguments say?
///
/// A program that offers the counter as one of its functions asks this first, and calls [`main`]
/// if so: counters start further processes from the same executable.
pub fn is_requested() -> bool {
    std::env::var_os(OPTIONS_VARIABLE).is_some()
}

/// Runs the counter; `args` are those after the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match std::env::var(OPTIONS_VARIABLE) {
        Ok(json) => serde_json::from_str(&json).map_err(|error| error.to_string()),
        Err(_) => Options::parse(args).map_err(|error| error.to_string()),
    };
    match options {
        Ok(options) => run(options).unwrap_or_else(|error| fail(1, &error)),
        Err(error) => fail(2, &error),
    }
}

fn fail(status: u8, error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("sighup-counter: {error}");
    ExitCode::from(status)
}

fn run(options: Options) -> io::Result<ExitCode> {
    if let Some(user) = options.user {
        process::become_user(user)?;
    }
    if options.needs_other_name() {
        return Err(process::replace_self(options));
    }
    if let Some(parent) = options.parent {
        process::die_with(parent)?;
    }
    if let Some(comm) = options.comm() {
        process::set_comm(comm)?;
    }
    signals::set_all(&signals::catchable(false), Disposition::Default)?;
    signals::unblock_all()?;
    let output = Output::open(options.out.as_deref(), options.role)?;
    output.write(&Record::Started(output.process()))?;
    if std::process::id() == 1 {
        // The kernel keeps a SIGTERM of default action from PID 1.
        record_caught(&options, &output)?;
        signals::set_all(&[SIGTERM], Disposition::Catch)?;
    }
    if options.role == Role::Parent {
        return process::run_child(&options);
    }
    let idle = Idle::new(&options);
    idle.pass(Duration::from_millis(options.handler_delay_ms))?;
    match options.mode {
        Mode::Default => start_company(&options)?,
        mode => handle_signals(mode, &options, &output)?,
    }
    idle.pass(Duration::MAX)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes the signals from now on; what comes in between waits until everything is set up.
fn handle_signals(mode: Mode, options: &Options, output: &Output) -> io::Result<()> {
    let previous = signals::block_all()?;
    let numbers = signals::catchable(options.workers > 0);
    if mode == Mode::Signalfd {
        start_recorder(options, output, signals::from_signalfd(&numbers)?)?;
    } else {
        record_caught(options, output)?;
        let is_ignored = mode == Mode::Ignore;
        let disposition = if is_ignored { Disposition::Ignore } else { Disposition::Catch };
        signals::set_all(&numbers, disposition)?;
        signals::set_all(&[SIGTERM], Disposition::Catch)?;
    }
    start_company(options)?;
    if mode != Mode::Signalfd {
        signals::restore(&previous)?;
    }
    output.write(&Record::Ready(output.process()))
}

/// Starts the processes and threads that are only there to be seen, and takes what others are to lack.
fn start_company(options: &Options) -> io::Result<()> {
    process::start_workers(options)?;
    if options.use_up_inotify {
        process::use_up_inotify()?;
    }
    for _ in 0..options.threads {
        signals::spawn_blocked(|| {
            loop {
                thread::park();
            }
        })?;
    }
    Ok(())
}

/// Records what the handler catches; at a second call it is done already.
fn record_caught(options: &Options, output: &Output) -> io::Result<()> {
    match signals::from_handler()? {
        Some(source) => start_recorder(options, output, source),
        None => Ok(()),
    }
}

fn start_recorder(
    options: &Options,
    output: &Output,
    source: impl FnMut() -> io::Result<Caught> + Send + 'static,
) -> io::Result<()> {
    let recorder = Recorder::new(output.try_clone()?, options.read.clone());
    signals::spawn_blocked(move || {
        let Err(error) = recorder.run(source);
        // Nobody counts any more, or nobody listens: better to be seen dead.
        eprintln!("sighup-counter: {error}");
        std::process::exit(1)
    })
}
