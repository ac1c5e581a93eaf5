//! Random worlds against the built program: writers of every kind act on watched paths that overlap, and an oracle
//! that knows only what was written checks the promises.
//!
//! - `cargo test --test random_world` runs worlds of fixed seeds and one of a new seed, and the kept ones.
//! - `WORLD_SEED=7 cargo test --test random_world` runs the world of one seed.
//! - `WORLD_SECONDS=3600 cargo test --release --test random_world -- --ignored --nocapture` runs new ones for an hour.
//! - `WORLD_THREADS` says how many run side by side: most of the time they wait.
//!
//! A world that breaks a promise is made smaller and printed as code for `kept.rs`.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod acts;
mod campaign;
mod clusters;
mod files;
mod heartbeat;
mod kept;
mod mounts;
mod observed;
mod oracle;
mod oracle_tests;
mod random;
mod report;
mod run;
mod shrink;
mod stage;
mod steps;
mod view;
mod watcher;
mod world;
mod writers;

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::env;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use campaign::Campaign;
use world::{ACTS, KINDS, World};

/// Together they have every act and every kind of path.
const FIXED_SEEDS: std::ops::Range<u64> = 1..22;

#[test]
fn random_worlds_keep_the_promises() {
    let seeds: Vec<u64> = match number("WORLD_SEED") {
        Some(seed) => vec![seed],
        None => FIXED_SEEDS.chain([seed_of_now()]).collect(),
    };
    Campaign::new(seeds.into_iter()).run();
}

#[test]
#[ignore = "runs for WORLD_SECONDS"]
fn random_worlds_keep_the_promises_for_long() {
    let time = Duration::from_secs(number("WORLD_SECONDS").unwrap_or(3600));
    Campaign::new(seed_of_now()..).for_no_longer_than(time).run();
}

#[test]
fn the_fixed_seeds_have_every_act_and_every_kind_of_path() {
    let worlds: Vec<World> = FIXED_SEEDS.map(World::from_seed).collect();
    let names = |debug: String| debug.split('(').next().unwrap().to_owned();
    let steps = worlds.iter().flat_map(|world| world.bursts.iter().flatten());
    let acts: BTreeSet<String> = steps.map(|step| names(format!("{:?}", step.act))).collect();
    let paths = worlds.iter().flat_map(|world| &world.paths);
    let kinds: BTreeSet<String> = paths.map(|kind| names(format!("{kind:?}"))).collect();
    assert_eq!((acts.len(), kinds.len()), (ACTS, KINDS), "{acts:?} {kinds:?}");
}

/// A number from the environment.
fn number<T: FromStr>(variable: &str) -> Option<T> {
    env::var(variable).ok()?.parse().ok()
}

fn seed_of_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}
