//! Volumes as the kubelet writes them: one signal a change, and never before all of it is visible.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod keys;
mod paths;
mod presence;
mod several;
mod unfinished;

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use sidecar_testkit::kubelet::{Order, Payload, Volume, payload};
use support::{Scene, open_dir};
use tempfile::TempDir;

/// Makes each test of the list one of its own for kubelets of today and for old ones.
macro_rules! in_both_orders {
    ($($name:ident),* $(,)?) => {
        mod links_after_swap {
            $(#[test] fn $name() { super::$name(sidecar_testkit::kubelet::Order::LinksAfterSwap); })*
        }
        mod links_before_swap {
            $(#[test] fn $name() { super::$name(sidecar_testkit::kubelet::Order::LinksBeforeSwap); })*
        }
    };
}
pub(crate) use in_both_orders;

/// A volume with `a.conf` and `b.conf`, and a sidecar that watches it.
struct Watched {
    scene: Scene,
    volume: Volume,
    _dir: TempDir,
}

impl Watched {
    fn new(order: Order) -> Self {
        let dir = open_dir();
        let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap().order(order);
        Self { scene: Scene::watching(volume.path()), volume, _dir: dir }
    }

    /// Writes `payload`; exactly one signal must come of it, with all of it visible. Then a later
    /// change proves that nothing more came.
    #[track_caller]
    fn expect_one_signal(&self, payload: &Payload) {
        self.volume.write(payload).unwrap();
        self.scene.expect_payload(1, payload);
        self.fence(payload, 2);
    }

    #[track_caller]
    fn fence(&self, payload: &Payload, count: usize) {
        fence(&self.scene, &self.volume, payload, count);
    }
}

fn two_keys() -> Payload {
    payload([("a.conf", "1"), ("b.conf", "1")])
}

/// Adds a key to `payload`: the change must be signal number `count`, so that no other came before.
#[track_caller]
fn fence(scene: &Scene, volume: &Volume, payload: &Payload, count: usize) {
    let mut fenced = payload.clone();
    fenced.insert("fence".to_owned(), count.to_string().into());
    volume.write(&fenced).unwrap();
    scene.expect_payload(count, &fenced);
}

/// A new volume of that name in `dir`.
fn volume(dir: &TempDir, name: &str, payload: &Payload) -> (Volume, PathBuf) {
    let path = dir.path().join(name);
    (Volume::create(&path, payload).unwrap(), path)
}

/// What the target reads of a volume when it reads several.
fn below(path: &Path, payload: &Payload) -> Vec<(String, String)> {
    let name = |key: &String| format!("{}/{key}", path.display());
    payload.iter().map(|(key, text)| (name(key), String::from_utf8_lossy(text).into_owned())).collect()
}
