//! Command line: from the arguments to the exit status.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::signal::unix::{SignalKind, signal};

use crate::settings::{RawSettings, Settings};
use crate::{daemon, report};

/// A setting is wrong.
const WRONG_SETTING: u8 = 2;
/// The daemon cannot start.
const CANNOT_START: u8 = 1;

/// The whole program, for these arguments (the first is the program's name) and the environment.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let raw = match RawSettings::try_parse_from(arguments) {
        Ok(raw) => raw,
        Err(answer) if matches!(answer.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // A closed standard output is the reader's choice.
            let _ = answer.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(WRONG_SETTING, first_paragraph(&error.to_string())),
    };
    let settings = match Settings::try_from(raw) {
        Ok(settings) => settings,
        Err(error) => return fail(WRONG_SETTING, error),
    };
    report::init(settings.log_level);
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
    eprintln!("config-reloader-sidecar: {}", report::one_line(&error.to_string()));
    ExitCode::from(status)
}

/// `clap`'s message as one line, without the usage that follows.
fn first_paragraph(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let paragraph = message.split("\n\n").next().unwrap_or(message);
    let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
    format!("{}; --help lists the settings", lines.join(" "))
}
