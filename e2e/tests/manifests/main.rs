//! The manifests in `examples/kubernetes`: every directory with a `kustomization.yaml` is rendered by kubectl
//! and held against the API schemas of old and new Kubernetes, and against the program that they run.
//!
//! `.ci/manifests` installs the tools. Where they are missing, these tests are ignored and say so, or fail
//! if `E2E_MANIFESTS` is `all`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends by panicking")]

mod cases;
mod levels;
mod program;
mod readme;
mod render;
mod rules;
mod schemas;
mod tools;
mod workload;

use std::env;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = tools::missing();
    let required = env::var_os("E2E_MANIFESTS").is_some_and(|value| value == "all");
    let trials = cases::all().into_iter().map(|case| trial(case, missing.as_deref(), required)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial((name, run): cases::Case, missing: Option<&str>, required: bool) -> Trial {
    match missing {
        None => Trial::test(name, move || {
            run();
            Ok(())
        }),
        Some(why) if required => {
            let why = format!("E2E_MANIFESTS=all, but {why}");
            Trial::test(name, move || Err(why.into()))
        }
        // The kind is what the line of an ignored test has room for.
        Some(why) => Trial::test(name, || Ok(())).with_ignored_flag(true).with_kind(why),
    }
}
