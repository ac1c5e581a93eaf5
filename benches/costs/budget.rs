//! Budgets: what must not grow unnoticed. Sizes and memory only, which are the same on every machine of one
//! kind; times are not.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::measure;

/// The image is the program and 20 kB of tar; a million bytes is the promise.
const PROGRAM: u64 = 980_000;
/// In kB, with everything on.
const IDLE: u64 = 860;
/// In kB.
const AFTER_UPDATES: u64 = 880;

/// Fails where a budget is exceeded.
pub(crate) fn check(program: &Path) -> io::Result<ExitCode> {
    let memory = measure::memory(program)?;
    let rows = [
        ("program, bytes", program.metadata()?.len(), PROGRAM),
        ("RSS idle, kB", memory.idle, IDLE),
        ("RSS after 1,000 updates, kB", memory.after, AFTER_UPDATES),
    ];
    let mut out = io::stdout();
    for (what, figure, budget) in rows {
        let verdict = if figure <= budget { "" } else { "  EXCEEDED" };
        writeln!(out, "{what:<28} {figure:>9} of {budget:>9}{verdict}")?;
    }
    let kept = rows.iter().all(|(_, figure, budget)| figure <= budget);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
