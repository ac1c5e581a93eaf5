//! The built binary: its settings, its start, its log and its end.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod end;
mod help;
mod launched;
mod log;
mod start;
#[path = "../support/mod.rs"]
mod support;
mod wrong;

use std::ffi::OsStr;
use std::path::Path;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;

/// A command that is expected to end by itself. Its environment has nothing but what is added.
fn sidecar() -> Command {
    let mut command = cargo_bin_cmd!("config-reloader-sidecar");
    command.env_clear().timeout(support::DEADLINE);
    command
}

/// The same with the mandatory settings, by which nothing is wrong.
fn sidecar_with_mandatory() -> Command {
    let mut command = sidecar();
    command.env("CONFIG_DIR", "/").env("PROCESS_NAME", "app");
    command
}

/// Runs the command, which must end with this status and one line on the standard error: that line.
#[track_caller]
fn refusal(command: &mut Command, status: i32) -> String {
    let output = command.assert().code(status).get_output().clone();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "nothing for the standard output");
    only_line(&String::from_utf8(output.stderr).unwrap())
}

/// The only line of the text, without the name of the program.
#[track_caller]
fn only_line(text: &str) -> String {
    let line = text.strip_suffix('\n').unwrap_or_default();
    assert!(!line.contains('\n'), "more than one line:\n{text}");
    let what = line.strip_prefix("config-reloader-sidecar: ");
    what.unwrap_or_else(|| panic!("no line of the program's: {text:?}")).to_owned()
}

/// The flag that stands for this variable.
fn flag(variable: &str) -> String {
    format!("--{}", variable.to_lowercase().replace('_', "-"))
}

/// `--flag=value`, whatever bytes the value has.
fn flag_with(variable: &str, value: impl AsRef<OsStr>) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(flag(variable));
    argument.push("=");
    argument.push(value);
    argument
}

/// Whether the line names the path.
fn names(line: &str, path: &Path) -> bool {
    line.contains(path.to_str().unwrap())
}
