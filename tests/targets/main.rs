//! Which processes the built binary signals, with what, and how often: real processes, exact counts.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

#[path = "../settings/launched.rs"]
mod launched;
mod names;
mod own;
mod pending;
mod pid_file;
mod refused;
mod script;
mod select;
mod signals;
#[path = "../support/mod.rs"]
mod support;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use sidecar_testkit::counter;
use sidecar_testkit::kubelet::{Payload, Volume, payload};
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;
use tempfile::TempDir;

use support::{Builder, DEADLINE, Sidecar};

/// What the sidecar sends if it is not told otherwise.
const HUP: i32 = Signal::SIGHUP as i32;
/// What a test sends to know that a process has recorded all it got before: the kernel delivers the
/// signals that wait for a process in the order of their numbers, and this is the highest.
const FENCE: i32 = 64;
/// A user that owns nothing.
const NOBODY: u32 = 65534;

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

    /// What a sidecar is started with to watch it.
    fn sidecar(&self) -> Builder {
        Sidecar::builder().config_dir(self.path())
    }

    /// A sidecar that watches it for processes of this name.
    #[track_caller]
    fn sidecar_for(&self, name: &str) -> Sidecar {
        self.sidecar().process_name(name).spawn()
    }

    /// Makes one change.
    fn change(&self) {
        self.set(self.version.get() + 1);
    }

    /// Makes it what it was after so many changes.
    fn set(&self, number: u32) {
        self.version.set(number);
        assert!(self.volume.write(&version(number)).unwrap().renamed.is_some());
    }

    /// Changes it twice, each time waits until these targets and their workers have got so many signals
    /// together, and checks that the sidecar has sent no more. The second change would show what the
    /// first one has left behind.
    #[track_caller]
    fn change_twice(&self, sidecar: &Sidecar, signals: usize, targets: &[&Target]) {
        let got = || targets.iter().flat_map(|target| target.signals()).filter(is_no_fence).count();
        let (sent, before) = (sidecar.sent(), got());
        for round in 1..=2 {
            self.change();
            let all = round * signals;
            // The kernel merges signals of one number that wait for a process, so none may wait.
            wait::until(DEADLINE, &format!("{all} signals"), || (got() >= before + all).then_some(()));
            assert_eq!(sidecar.wait_for_log_lines(" sent signal=", sent + all, DEADLINE).len(), sent + all);
        }
    }
}

fn version(number: u32) -> Payload {
    payload([("app.conf", format!("version = {number}\n"))])
}

/// A target of this name.
#[track_caller]
fn target(name: &str) -> Target {
    Target::builder().named(name).spawn().unwrap()
}

/// The numbers of the signals that the target has got by now, not its workers.
#[track_caller]
fn received(target: &Target) -> Vec<i32> {
    received_by_all(target).remove(&target.pid()).unwrap()
}

/// The same for the target and each of its workers, by PID.
#[track_caller]
fn received_by_all(target: &Target) -> BTreeMap<i32, Vec<i32>> {
    let pids = [vec![target.pid()], target.workers()].concat();
    let fences = |pid: i32| {
        let signals = target.signals();
        signals.iter().filter(|signal| signal.pid == pid && signal.signal == FENCE).count()
    };
    for &pid in &pids {
        let before = fences(pid);
        counter::send(pid, FENCE).unwrap();
        wait::until(DEADLINE, &format!("the fence of PID {pid}"), || (fences(pid) > before).then_some(()));
    }
    let mut received: BTreeMap<i32, Vec<i32>> = pids.into_iter().map(|pid| (pid, Vec::new())).collect();
    for signal in target.signals().into_iter().filter(is_no_fence) {
        received.entry(signal.pid).or_default().push(signal.signal);
    }
    received
}

fn is_no_fence(signal: &counter::Signal) -> bool {
    signal.signal != FENCE
}

/// Waits until the process has ended and only waits for its parent.
#[track_caller]
fn wait_for_zombie(pid: i32) {
    wait::until(DEADLINE, &format!("PID {pid} to be a zombie"), || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        status.contains("\nState:\tZ").then_some(())
    });
}

/// # Panics
/// Unless the test can become other users: it must not pass without having tested.
fn require_root() {
    assert!(support::is_root(), "this test needs processes of two users: run the tests as root");
}
