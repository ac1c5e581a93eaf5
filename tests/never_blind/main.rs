//! Watching survives: whatever happens to the watched paths or to inotify, the next change is noticed, and
//! is one signal.
//!
//! The time to notice is printed for each test; `--nocapture` shows it.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod idle;
mod limits;
mod mounts;
mod namespace;
mod overflow;
mod paths;
mod process;
mod resync;
mod rotation;
mod storm;
mod tree;
mod tree_edges;
mod tree_moves;
mod tree_size;
mod unseen;

#[path = "../support/mod.rs"]
mod support;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sidecar_testkit::clock::{self, Nanos};
use sidecar_testkit::counter::Signal;
use support::{Builder, DEADLINE, Files, Scene, files, open_dir, plain_dir};
use tempfile::TempDir;

/// A watched path with all its surroundings, and the signals by now.
struct Watched {
    scene: Scene,
    /// What is watched: `top/parent/conf` in `dir`.
    conf: PathBuf,
    /// Holds it; not watched itself.
    dir: TempDir,
    count: Cell<usize>,
    /// When the last change began.
    since: Cell<Nanos>,
    longest: Cell<Duration>,
}

impl Watched {
    /// A directory with `a.conf`; `set` sets what else the sidecar is to be told.
    #[track_caller]
    fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        Self::made_by(|conf| drop(plain_dir(conf, &[("a.conf", "1")])), |_, sidecar| set(sidecar))
    }

    /// The same where `make` makes what is watched, and `set` may want to know where.
    #[track_caller]
    fn made_by(make: impl FnOnce(&Path), set: impl FnOnce(&Path, Builder) -> Builder) -> Self {
        let dir = open_dir();
        let conf = dir.path().join("top/parent/conf");
        fs::create_dir_all(conf.parent().unwrap()).unwrap();
        make(&conf);
        let scene = Scene::with(&[&conf], |sidecar| set(&conf, sidecar.env("VERBOSE", "true")));
        Self { scene, conf, dir, count: Cell::default(), since: Cell::default(), longest: Cell::default() }
    }

    /// A path below what is watched.
    fn path(&self, name: &str) -> PathBuf {
        self.conf.join(name)
    }

    /// A path beside all that is watched.
    fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// This change must be the next signal.
    #[track_caller]
    fn notice_any(&self, change: impl FnOnce()) -> Signal {
        self.since.set(clock::now());
        change();
        self.count.set(self.count.get() + 1);
        let signal = self.scene.expect_count(self.count.get());
        let took = Duration::from_nanos(signal.ns.saturating_sub(self.since.get()));
        self.longest.set(took.max(self.longest.get()));
        signal
    }

    /// The same, with exactly `expected` to be read then.
    #[track_caller]
    fn notice(&self, expected: &Files, change: impl FnOnce()) {
        let signal = self.notice_any(change);
        assert_eq!(&signal.files, expected, "what was to be read at signal {}", self.count.get());
    }

    /// An edit of `a.conf`, which must be all that there is to read.
    #[track_caller]
    fn notice_edit(&self, text: &str) {
        self.notice(&only(text), || fs::write(self.path("a.conf"), text).unwrap());
    }

    /// The same, and an event must have told of it: the kernel's watch is where the path is.
    #[track_caller]
    fn notice_edit_by_event(&self, text: &str) {
        self.notice_edit(text);
        self.expect_event("a.conf");
    }

    /// The last that happened to this name must have been told by an event.
    #[track_caller]
    fn expect_event(&self, name: &str) {
        let line = format!("file-event kind=Written path={} counts=true", self.path(name).display());
        self.scene.sidecar.wait_for_log(&line, DEADLINE);
    }

    /// Nothing that has happened may be a signal; a change that is one is to follow.
    #[track_caller]
    fn expect_quiet(&self) {
        self.scene.expect_no_more_than(self.count.get());
    }

    fn sidecar_pid(&self) -> i32 {
        self.scene.sidecar.pid()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !thread::panicking() {
            tell(&format!(
                "at most {} ms to notice each of {}",
                self.longest.get().as_millis(),
                self.count.get()
            ));
        }
    }
}

/// Prints a figure of the running test.
fn tell(figure: &str) {
    eprintln!("{}: {figure}", thread::current().name().unwrap_or_default());
}

/// A directory with nothing but `a.conf`.
fn only(text: &str) -> Files {
    files([("a.conf", text)])
}

/// Nothing but events can tell of a change.
fn events_only(sidecar: Builder) -> Builder {
    sidecar.env("RESYNC_INTERVAL", "0s")
}

/// The same, and what is half removed or half made does not pass for settled on a busy machine.
fn patient(sidecar: Builder) -> Builder {
    unhurried(events_only(sidecar))
}

fn unhurried(sidecar: Builder) -> Builder {
    sidecar.env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "10s")
}

/// Changes without an event are looked for often.
fn resync(sidecar: Builder) -> Builder {
    sidecar.env("RESYNC_INTERVAL", "1s")
}
