//! The cases, one program each.

mod apache2;
mod haproxy;
mod job;
mod nginx;
mod pgbouncer;
mod postgresql;
mod prometheus;
mod unbound;
mod web;

use std::env;
use std::panic::resume_unwind;
use std::thread;

use libtest_mimic::{Completion, Failed, Trial};

use crate::support::{TOOLS, is_root, missing};

/// What it must be set to where a program that is missing is an error.
const ALL_VARIABLE: &str = "E2E_PROGRAMS";

/// A case, and what it starts.
type Case = (&'static str, &'static [&'static str], fn());

// The long ones first, so that none of them is the last to end alone.
const CASES: &[Case] = &[
    ("pgbouncer", &["pgbouncer", "postgres", "initdb", "psql"], pgbouncer::reloads),
    ("postgresql", &["postgres", "initdb", "psql"], postgresql::reloads),
    ("job", &["sh"], job::ends),
    ("apache2", &["apache2"], apache2::reloads),
    ("apache2_twice", &["apache2"], apache2::reloads_twice),
    ("haproxy", &["haproxy"], haproxy::reloads),
    ("haproxy_twice", &["haproxy"], haproxy::reloads_twice),
    ("nginx", &["nginx"], nginx::reloads),
    ("prometheus", &["prometheus"], prometheus::reloads),
    ("unbound", &["unbound"], unbound::reloads),
];

/// All trials.
pub(crate) fn trials() -> Vec<Trial> {
    let trial = |&case: &Case| Trial::ignorable_test(case.0, move || run(case));
    CASES.iter().map(trial).collect()
}

fn run((name, programs, case): Case) -> Result<Completion, Failed> {
    if let Some(reason) = obstacle(programs) {
        let all = env::var(ALL_VARIABLE).is_ok_and(|value| value == "all");
        return if all { Err(reason.into()) } else { Ok(Completion::ignored_with(reason)) };
    }
    // A thread of its own, because it moves to another network.
    match thread::Builder::new().name(name.into()).spawn(case)?.join() {
        Ok(()) => Ok(Completion::Completed),
        Err(panic) => resume_unwind(panic),
    }
}

/// Why a case cannot run here.
fn obstacle(programs: &[&str]) -> Option<String> {
    if !is_root() {
        return Some("it makes namespaces: run it as root".into());
    }
    missing(TOOLS).or_else(|| missing(programs)).map(|program| format!("{program} is not installed"))
}
