//! Command line: from the arguments to the exit status.

mod arguments;
mod check;
mod help;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use self::arguments::Request;
use crate::settings::{RawSettings, Settings};
use crate::{daemon, report};

/// A setting is wrong.
const WRONG_SETTING: u8 = 2;
/// The daemon cannot start, or a check found something wrong.
const CANNOT_START: u8 = 1;

/// The whole program, for these arguments (the first is the program's name) and the environment.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let request = match arguments::parse(arguments, RawSettings::from_env()) {
        Ok(request) => request,
        Err(error) => return fail(WRONG_SETTING, error),
    };
    match request {
        Request::Help => print(&help::text()),
        Request::Version => print(concat!("config-reloader-sidecar ", env!("CARGO_PKG_VERSION"), "\n")),
        Request::Run(raw) => with_settings(&raw, run),
        Request::Check(raw, output) => with_settings(&raw, |settings| check::run(&settings, output)),
    }
}

fn with_settings(raw: &RawSettings, run: impl FnOnce(Settings) -> ExitCode) -> ExitCode {
    match Settings::try_from(raw) {
        Ok(settings) => run(settings),
        Err(error) => fail(WRONG_SETTING, error),
    }
}

fn print(text: &str) -> ExitCode {
    // A closed standard output is the reader's choice.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn run(settings: Settings) -> ExitCode {
    report::init(settings.log_format, settings.log_level);
    match start(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(CANNOT_START, error),
    }
}

fn start(settings: Settings) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        // First of all, so that PID 1 is not deaf to them while it starts.
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = async move {
            tokio::select! {
                _ = term.recv() => (),
                _ = int.recv() => (),
            }
        };
        daemon::run(settings, shutdown).await.map_err(Into::into)
    });
    // Nothing is left to wait for.
    runtime.shutdown_background();
    result
}

fn fail(status: u8, error: impl std::fmt::Display) -> ExitCode {
    eprintln!("config-reloader-sidecar: {}", report::one_line(error.to_string()));
    ExitCode::from(status)
}
