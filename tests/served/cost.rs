//! What a scrape costs, and what it delays: figures, not a test.
//!
//! `cargo test --release --test served -- --ignored --nocapture cost` prints them.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sidecar_testkit::clock;
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::support::{DEADLINE, unique_name};
use crate::{Config, Served, http, process, target};

const UPDATES: usize = 1000;
/// Between two updates; the kubelet takes a thousand times as long.
const PAUSE: Duration = Duration::from_millis(20);

/// Median, 99th percentile and longest.
fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let (last, at) = (times.len() - 1, |percent: usize| times[(times.len() - 1) * percent / 100]);
    eprintln!("{what} ({}): median {:?}, 99% {:?}, longest {:?}", last + 1, at(50), at(99), times[last]);
}

/// From each swap to its signal; the next one begins this long after it.
fn update(config: &Config, target: &Target, pause: Duration) -> Vec<Duration> {
    // Parsing them all each time would take longer than what is measured.
    let recorded = || fs::read_to_string(target.out()).unwrap().matches('\n').count();
    let from = target.signals().len();
    let update = |_| {
        let (before, start) = (recorded(), clock::now());
        config.change();
        wait::until(DEADLINE, "the signal", || (recorded() > before).then_some(()));
        thread::sleep(pause);
        start
    };
    let starts: Vec<u64> = (0..UPDATES).map(update).collect();
    let signals = target.wait_for_signals(from + UPDATES, DEADLINE).split_off(from);
    assert_eq!(signals.len(), UPDATES);
    starts.iter().zip(signals).map(|(start, signal)| Duration::from_nanos(signal.ns - start)).collect()
}

/// Asks all the time; how long each answer takes.
fn scrape(served: &Served, over: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let before = Instant::now();
        assert_eq!(http::get(served.address, "/metrics").status, 200);
        times.push(before.elapsed());
        thread::sleep(Duration::from_millis(10));
    }
    times
}

#[test]
#[ignore = "prints figures"]
fn cost_of_scrapes_during_a_thousand_updates() {
    let (config, name) = (Config::new(), unique_name());
    let target = target(&name);
    let served = Served::watching(config.path(), &name);
    let pid = served.sidecar.pid();
    eprintln!("RSS at start: {} kB", process::resident(pid));
    tell("updates alone", update(&config, &target, PAUSE));
    let alone = process::resident(pid);
    for pause in [PAUSE, Duration::ZERO] {
        let over = AtomicBool::new(false);
        let (updates, scrapes) = thread::scope(|scope| {
            let scrapes = scope.spawn(|| scrape(&served, &over));
            let updates = catch_unwind(AssertUnwindSafe(|| update(&config, &target, pause)));
            over.store(true, Ordering::Relaxed);
            (updates.unwrap(), scrapes.join().unwrap())
        });
        tell(&format!("updates, {pause:?} apart, with scrapes"), updates);
        tell("scrapes meanwhile", scrapes);
    }
    eprintln!("RSS after: {alone} kB, and with scrapes {} kB", process::resident(pid));
}
