//! What the built binary answers to those who ask: metrics, probes, and nothing to those who attack.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod address;
mod alerts;
mod attacks;
mod cost;
mod exposition;
mod http;
mod kube_prometheus;
mod names;
mod probes;
mod process;
mod promtool;
mod refusals;
mod reloads;
mod scrape;
mod signals;
#[path = "../support/mod.rs"]
mod support;
mod watching;

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use sidecar_testkit::clock;
use sidecar_testkit::kubelet::{Payload, Volume, payload};
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;
use tempfile::TempDir;

use http::Answer;
use scrape::Scrape;
use support::{Builder, DEADLINE, Sidecar};

/// Start times and times of files are rounded to ticks of 10 ms each; what is this far apart has an order.
const APART: Duration = Duration::from_millis(50);

/// A volume that is changed as the kubelet changes it, so that a change needs no quiet period.
struct Config {
    volume: Volume,
    version: Cell<u32>,
    dir: TempDir,
}

impl Config {
    fn new() -> Self {
        let dir = support::open_dir();
        let volume = Volume::create(&dir.path().join("volume"), &version(0)).unwrap();
        Self { volume, version: Cell::new(0), dir }
    }

    fn path(&self) -> &Path {
        self.volume.path()
    }

    /// Makes one change.
    fn change(&self) {
        self.version.set(self.version.get() + 1);
        assert!(self.volume.write(&version(self.version.get())).unwrap().renamed.is_some());
    }
}

fn version(number: u32) -> Payload {
    payload([("app.conf", format!("version = {number}\n"))])
}

/// A sidecar that can be asked.
struct Served {
    sidecar: Sidecar,
    address: SocketAddr,
}

impl Served {
    /// A sidecar for processes of this name.
    #[track_caller]
    fn watching(path: impl AsRef<Path>, name: &str) -> Self {
        Self::start(Sidecar::builder().config_dir(path).process_name(name))
    }

    /// A sidecar on a port that the kernel chooses.
    #[track_caller]
    fn start(builder: Builder) -> Self {
        Self::listening("127.0.0.1:0", builder)
    }

    #[track_caller]
    fn listening(address: &str, builder: Builder) -> Self {
        let sidecar = builder.env("LISTEN_ADDR", address).spawn();
        let address = address_of(&sidecar);
        Self { sidecar, address }
    }

    #[track_caller]
    fn get(&self, path: &str) -> Answer {
        http::get(self.address, path)
    }

    #[track_caller]
    fn scrape(&self) -> Scrape {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200);
        Scrape::parse(&answer.body)
    }

    /// Waits until these series have these values, all in one scrape.
    #[track_caller]
    fn expect(&self, expected: &[(&str, f64)]) -> Scrape {
        let mut last = None;
        let found = wait::try_until(DEADLINE, || {
            let scrape = last.insert(self.scrape());
            let is_so = |(series, value): &(&str, f64)| same(scrape.value(series), *value);
            expected.iter().all(is_so).then(|| scrape.clone())
        });
        found.unwrap_or_else(|| panic!("waited for {expected:?} in vain; there is\n{last:#?}"))
    }

    /// Waits until this series is at least so much.
    #[track_caller]
    fn expect_at_least(&self, series: &str, least: f64) -> Scrape {
        wait::until(DEADLINE, &format!("{series} to be {least}"), || {
            Some(self.scrape()).filter(|scrape| scrape.value(series).is_some_and(|value| value >= least))
        })
    }

    /// Waits until a change is pending after an attempt.
    #[track_caller]
    fn expect_pending(&self) -> Scrape {
        self.expect(&[("reloader_change_pending", 1.0), ("reloader_last_reload_successful", 0.0)])
    }
}

/// Counts and 0 or 1 are exact; the other values of this comparison are so too.
fn same(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() < f64::EPSILON)
}

#[track_caller]
fn address_of(sidecar: &Sidecar) -> SocketAddr {
    let line = sidecar.wait_for_log(" listening address=", DEADLINE);
    line.rsplit('=').next().unwrap().parse().unwrap()
}

/// A target of this name.
#[track_caller]
fn target(name: &str) -> Target {
    Target::builder().named(name).spawn().unwrap()
}

/// Waits until what comes next is certainly later than what was before.
fn wait_apart() {
    let later = clock::now() + u64::try_from(APART.as_nanos()).unwrap();
    wait::until(DEADLINE, "the ticks", || (clock::now() > later).then_some(()));
}
