//! Check: prints the findings.

use std::io::Write;
use std::process::ExitCode;

use super::arguments::Output;
use super::{CANNOT_START, fail};
use crate::check::{Findings, look};
use crate::report::one_line;
use crate::settings::Settings;

/// Looks, prints, and says by the status whether all is well.
pub(super) fn run(settings: &Settings, output: Output) -> ExitCode {
    let findings = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime.block_on(look(settings)),
        Err(error) => return fail(CANNOT_START, error),
    };
    let text = match output {
        Output::Text => text(&findings),
        Output::Json => match serde_json::to_string(&findings) {
            Ok(json) => json + "\n",
            Err(error) => return fail(CANNOT_START, error),
        },
    };
    // A closed standard output is the reader's choice, and the status tells all the same.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if findings.ok { ExitCode::SUCCESS } else { ExitCode::from(CANNOT_START) }
}

/// Names of files and processes can hold a terminal's escapes.
fn text(findings: &Findings) -> String {
    findings.lines().into_iter().map(|line| one_line(line) + "\n").collect()
}
