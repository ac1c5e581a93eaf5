//! Never lost, never harmful: each change reaches its target, whatever ends or starts meanwhile, and no
//! process dies of it.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod aftermath;
mod at_start;
mod guard;
mod killed;
mod lifetime;
mod min_interval;
mod namespace;
mod newcomer;
mod pid_reuse;
mod plain_at_start;
mod starting;
#[path = "../support/mod.rs"]
mod support;
mod unguarded;

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use sidecar_testkit::clock;
use sidecar_testkit::counter;
use sidecar_testkit::kubelet::{Payload, Volume, payload};
use sidecar_testkit::target::{self, Target};
use sidecar_testkit::wait;
use tempfile::TempDir;

use support::{Builder, DEADLINE, Files, Sidecar, files};

/// What the sidecar sends if it is not told otherwise.
const HUP: i32 = Signal::SIGHUP as i32;
/// What a test sends to know that a process has recorded all it got before: the kernel delivers the
/// signals that wait for a process in the order of their numbers, and this is the highest.
const FENCE: i32 = 64;
/// Start times and times of files are rounded to ticks of 10 ms each; what is this far apart has an order.
const APART: Duration = Duration::from_millis(50);

/// A volume that is changed as the kubelet changes it, so that a change needs no quiet period.
struct Config {
    volume: Volume,
    version: Cell<u32>,
    _dir: TempDir,
}

impl Config {
    fn new() -> Self {
        let dir = support::open_dir();
        let volume = Volume::create(&dir.path().join("volume"), &version(0)).unwrap();
        Self { volume, version: Cell::new(0), _dir: dir }
    }

    fn path(&self) -> &Path {
        self.volume.path()
    }

    /// What a sidecar is started with to watch it for processes of this name.
    fn sidecar(&self, name: &str) -> Builder {
        Sidecar::builder().config_dir(self.path()).process_name(name)
    }

    /// What a target of this name is like that reads it.
    fn target(&self, name: &str) -> target::Builder {
        Target::builder().named(name).read(self.path())
    }

    /// Makes one change.
    fn change(&self) {
        self.version.set(self.version.get() + 1);
        assert!(self.volume.write(&version(self.version.get())).unwrap().renamed.is_some());
    }

    /// What is to be read now.
    fn files(&self) -> Files {
        files([("app.conf", format!("version = {}\n", self.version.get()))])
    }

    /// Waits until the target has got `count` signals, the last with what is to be read now, and checks
    /// that they were all, whatever the sidecar has sent. The proof is the next change, which is one more.
    #[track_caller]
    fn expect_signals(&self, sidecar: &Sidecar, target: &Target, count: usize) {
        expect_signals(sidecar, target, count, &self.files());
        self.change();
        expect_signals(sidecar, target, count + 1, &self.files());
        received(target);
        assert_eq!(signals(target).len(), count + 1, "another one behind the fence");
    }
}

fn version(number: u32) -> Payload {
    payload([("app.conf", format!("version = {number}\n"))])
}

/// Waits for signal number `count`, the last by now, and checks that these could be read then. The log must
/// tell of one for each that came.
#[track_caller]
fn expect_signals(sidecar: &Sidecar, target: &Target, count: usize, expected: &Files) {
    let got = wait::until(DEADLINE, &format!("{count} signals"), || {
        Some(signals(target)).filter(|signals| signals.len() >= count)
    });
    assert_eq!(got.len(), count, "signals: {got:?}");
    if let Some(last) = got.last() {
        assert_eq!(&last.files, expected, "what was to be read at signal {count}");
    }
    // It logs after it sends.
    assert_eq!(sidecar.wait_for_log_lines(" sent signal=", count, DEADLINE).len(), count);
}

/// What the target has got by now, without the fences.
fn signals(target: &Target) -> Vec<counter::Signal> {
    target.signals().into_iter().filter(|signal| signal.signal != FENCE).collect()
}

/// The numbers of the signals that the target has got by now, also those that were under way.
#[track_caller]
fn received(target: &Target) -> Vec<i32> {
    let fences = || target.signals().iter().filter(|signal| signal.signal == FENCE).count();
    let before = fences();
    target.send(FENCE).unwrap();
    wait::until(DEADLINE, "the fence", || (fences() > before).then_some(()));
    signals(target).iter().map(|signal| signal.signal).collect()
}

/// Waits until what comes next is certainly later than what was before.
fn wait_apart() {
    let later = clock::now() + u64::try_from(APART.as_nanos()).unwrap();
    wait::until(DEADLINE, "the ticks", || (clock::now() > later).then_some(()));
}

/// Whether the process lives, and is not stopped.
fn is_well(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:\t"));
    state.is_some_and(|state| state.starts_with(['S', 'R']))
}
