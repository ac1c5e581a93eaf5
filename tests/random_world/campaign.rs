//! Runs many worlds side by side.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::number;
use crate::report::{Failure, Tally};
use crate::run::run;
use crate::shrink::shrink;
use crate::support::is_root;
use crate::world::World;

const THREADS: usize = 6;

pub(crate) struct Campaign<Seeds> {
    seeds: Mutex<Seeds>,
    end: Option<Instant>,
    results: Mutex<Results>,
}

#[derive(Default)]
struct Results {
    worlds: usize,
    tally: Tally,
    failed: Vec<u64>,
}

impl<Seeds: Iterator<Item = u64> + Send> Campaign<Seeds> {
    pub(crate) fn new(seeds: Seeds) -> Self {
        Self { seeds: Mutex::new(seeds), end: None, results: Mutex::default() }
    }

    pub(crate) fn for_no_longer_than(mut self, time: Duration) -> Self {
        self.end = Some(Instant::now() + time);
        self
    }

    /// Runs them all.
    ///
    /// # Panics
    /// If a promise was broken, or if the machine was too busy to judge most bursts strictly.
    pub(crate) fn run(self) {
        thread::scope(|scope| {
            for _ in 0..number("WORLD_THREADS").unwrap_or(THREADS) {
                scope.spawn(|| while self.next() {});
            }
        });
        let Results { worlds, tally, failed } = self.results.into_inner().unwrap();
        eprintln!("{worlds} worlds; {tally}");
        assert!(failed.is_empty(), "promises were broken in the worlds of the seeds {failed:?}");
        assert!(
            tally.strict > tally.relaxed,
            "the machine is too busy to judge most bursts strictly: {tally}"
        );
    }

    /// Runs the next; returns whether there was one.
    fn next(&self) -> bool {
        let is_over = self.end.is_some_and(|end| Instant::now() > end);
        // The first few failures tell enough.
        let enough = self.results.lock().unwrap().failed.len() >= number("WORLD_FAILURES").unwrap_or(2);
        if is_over || enough {
            return false;
        }
        let Some(seed) = self.seeds.lock().unwrap().next() else { return false };
        let world = World::from_seed(seed);
        if !is_root() && (world.settings.mounts || world.settings.user) {
            eprintln!("seed {seed}: left out, because it needs root");
            return true;
        }
        let result = run(&world);
        let mut results = self.results.lock().unwrap();
        results.worlds += 1;
        match result {
            Ok(tally) => results.tally = results.tally + tally,
            Err(failure) => {
                results.failed.push(seed);
                drop(results);
                report(seed, &world, &failure);
            }
        }
        true
    }
}

fn report(seed: u64, world: &World, failure: &Failure) {
    eprintln!("seed {seed}: {failure}");
    let (small, failure) = shrink(world, failure);
    eprintln!("seed {seed}: made smaller: {failure}\n--- for kept.rs\n{}\n---", small.literal());
}
