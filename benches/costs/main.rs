//! What a sidecar costs: size, memory, CPU time, latency, wake-ups. One run of the real program with a volume
//! written as the kubelet does and a process that counts signals, as a table on the terminal.
//!
//! ```sh
//! cargo bench --bench costs                       # all of it, two to three minutes
//! cargo bench --bench costs -- --budgets          # size and memory only; fails where a budget is exceeded
//! ```
//!
//! `COSTS_OF=PATH` measures another build of the program, such as the static one. As root, it runs in a PID
//! namespace of its own, so that the machine's other processes do not count.

mod budget;
mod measure;
mod process;
mod scene;

use std::env;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use sidecar_testkit::counter;

/// Set within the PID namespace.
const INSIDE: &str = "COSTS_INSIDE";

/// Other processes in the row that has some.
const BYSTANDERS: usize = 500;

fn main() -> ExitCode {
    if counter::is_requested() {
        return counter::main(env::args_os().skip(1));
    }
    let result = if needs_namespace() { in_namespace() } else { run() };
    match result {
        Ok(status) => status,
        Err(error) => {
            let _ = writeln!(io::stderr(), "costs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn needs_namespace() -> bool {
    nix::unistd::geteuid().is_root() && env::var_os(INSIDE).is_none()
}

fn in_namespace() -> io::Result<ExitCode> {
    let mut unshare = Command::new("unshare");
    unshare.args(["--fork", "--pid", "--mount-proc", "--kill-child"]).arg(env::current_exe()?);
    Err(unshare.args(env::args_os().skip(1)).env(INSIDE, "1").exec())
}

fn run() -> io::Result<ExitCode> {
    let program = env::var_os("COSTS_OF")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_config-reloader-sidecar")), PathBuf::from);
    if env::args().any(|argument| argument == "--budgets") {
        return budget::check(&program);
    }
    let mut out = io::stdout();
    let mut row = |what: &str, figure: String| writeln!(out, "{what:<44} {figure}");
    row("program, bytes", program.metadata()?.len().to_string())?;
    let updates = measure::updates(&program, 0)?;
    row("signals per update: all, updates with another number", updates.signals())?;
    row("swap to handler, µs: min / median / p99", updates.latency())?;
    row("CPU time per update, µs", updates.cpu())?;
    row(&format!("swap to handler with {BYSTANDERS} other processes"), {
        measure::updates(&program, BYSTANDERS)?.latency()
    })?;
    let memory = measure::memory(&program)?;
    row("RSS idle / after 1,000 updates, kB", format!("{} / {}", memory.idle, memory.after))?;
    row("storm of 20,000 writes: CPU ms; signals; RSS more", measure::storm(&program)?)?;
    row("idle for 60 s: context switches", measure::idle(&program)?.to_string())?;
    Ok(ExitCode::SUCCESS)
}
