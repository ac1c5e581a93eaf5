//! Directories and files that anybody writes: one signal a change, however many events it makes.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod bursts;
mod changes;
mod directories;
mod no_changes;
mod one_file;
mod reload_loop;
mod several;
mod special;
mod unreadable;

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use support::{Builder, Files, Scene, open_dir, plain_dir};
use tempfile::TempDir;

/// A directory with `a.conf` and `b.conf`, and a sidecar that watches it.
struct Watched {
    scene: Scene,
    dir: PathBuf,
    /// Holds the directory; not watched itself.
    outside: TempDir,
}

impl Watched {
    fn new() -> Self {
        Self::with(|sidecar| sidecar)
    }

    /// `set` sets what else the sidecar is to be told.
    fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let outside = open_dir();
        let dir = plain_dir(&outside.path().join("conf"), &[("a.conf", "1"), ("b.conf", "1")]);
        let scene = Scene::with(&[&dir], set);
        Self { scene, dir, outside }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What has happened must be signal number `count`, with exactly `expected` to be read; a later
    /// change proves that nothing more came of it.
    #[track_caller]
    fn expect_signal(&self, count: usize, expected: &Files) {
        self.scene.expect_signal(count, expected);
        self.expect_no_signal(count, expected);
    }

    /// What has happened must not be a signal: there are `count`, and a later change is the next.
    #[track_caller]
    fn expect_no_signal(&self, count: usize, expected: &Files) {
        self.scene.expect_no_more_than(count);
        let mut fenced = expected.clone();
        fenced.insert("fence".to_owned(), count.to_string());
        fs::write(self.path("fence"), count.to_string()).unwrap();
        self.scene.expect_signal(count + 1, &fenced);
    }
}
