//! Real programs beside the sidecar as it is released: each reads its configuration from a volume that changes as
//! the kubelet changes it, and must be seen to behave as the new configuration says.
//!
//! A program that is not installed is left out, unless `E2E_PROGRAMS=all`. Where a program promises to drop
//! nothing while it reloads, clients ask it all the time, and the table at the end has their number.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod cases;
mod support;

use std::process::ExitCode;

use libtest_mimic::Arguments;

/// Clients and programs share the processors; more cases at once make each of them slow.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let conclusion = libtest_mimic::run(&arguments, cases::trials());
    if !arguments.list {
        print!("{}", support::table());
    }
    conclusion.exit_code()
}
