//! The sidecar's image in containers, as a pod runs it: one PID namespace and shared volumes.
//!
//! `E2E_IMAGE` names the image to test; without it one is built from the release binary.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends by panicking")]

mod cases;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A case is mostly waiting for the engine; more at once than this makes each of them slow.
const THREADS: usize = 3;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    if arguments.list || !cases::NAMES.iter().any(|name| is_wanted(&arguments, name)) {
        // No engine is needed to run nothing.
        return libtest_mimic::run(&arguments, nothing()).exit_code();
    }
    e2e::run::run(move |run| libtest_mimic::run(&arguments, cases::trials(run)).exit_code())
}

/// Trials for their names only.
fn nothing() -> Vec<Trial> {
    cases::NAMES.iter().map(|&name| Trial::test(name, || Ok(()))).collect()
}

/// The rules of libtest.
fn is_wanted(arguments: &Arguments, name: &str) -> bool {
    let matches = |pattern: &String| if arguments.exact { name == pattern } else { name.contains(pattern) };
    // The only tests that are ignored are none.
    !arguments.ignored && arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
}
