//! Volumes that go away and come back.

use std::fs;
use std::path::{Path, PathBuf};

use sidecar_testkit::kubelet::{Payload, Volume, payload};
use tempfile::TempDir;

use crate::support::{Builder, DEADLINE, Scene, open_dir};
use crate::{fence, two_keys, volume};

/// A volume half removed or half made must not pass for a settled directory on a slow machine.
fn watching(dir: &TempDir) -> (Scene, PathBuf) {
    let (_, path) = volume(dir, "vol", &two_keys());
    let patient = |sidecar: Builder| sidecar.env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "10s");
    (Scene::with(&[&path], patient), path)
}

#[track_caller]
fn wait_gone(scene: &Scene) {
    scene.sidecar.wait_for_log(" gone path=", DEADLINE);
}

#[track_caller]
fn make_again(path: &Path, payload: &Payload) -> Volume {
    Volume::create(path, payload).unwrap()
}

#[test]
fn a_volume_made_again_with_other_content_is_one_signal() {
    let dir = open_dir();
    let (scene, path) = watching(&dir);
    fs::remove_dir_all(&path).unwrap();
    wait_gone(&scene);
    scene.expect_no_more_than(0);
    let other = payload([("a.conf", "2"), ("c.conf", "2")]);
    let volume = make_again(&path, &other);
    scene.expect_payload(1, &other);
    fence(&scene, &volume, &other, 2);
}

#[test]
fn a_volume_made_again_at_once_with_other_content_is_one_signal() {
    let dir = open_dir();
    let (scene, path) = watching(&dir);
    fs::remove_dir_all(&path).unwrap();
    let other = payload([("a.conf", "2"), ("c.conf", "2")]);
    let volume = make_again(&path, &other);
    scene.expect_payload(1, &other);
    fence(&scene, &volume, &other, 2);
}

#[test]
fn a_volume_made_again_with_the_same_content_is_no_signal() {
    let dir = open_dir();
    let (scene, path) = watching(&dir);
    fs::remove_dir_all(&path).unwrap();
    wait_gone(&scene);
    let volume = make_again(&path, &two_keys());
    scene.sidecar.wait_for_log(" back path=", DEADLINE);
    scene.expect_no_more_than(0);
    fence(&scene, &volume, &two_keys(), 1);
}

#[test]
fn a_volume_moved_away_and_back_is_no_signal() {
    let dir = open_dir();
    let (scene, path) = watching(&dir);
    let away = dir.path().join("away");
    fs::rename(&path, &away).unwrap();
    wait_gone(&scene);
    fs::rename(&away, &path).unwrap();
    scene.sidecar.wait_for_log(" back path=", DEADLINE);
    scene.expect_no_more_than(0);
    fence(&scene, &Volume::open(&path).unwrap(), &two_keys(), 1);
}

#[test]
fn a_volume_changed_while_it_was_away_is_one_signal() {
    let dir = open_dir();
    let (scene, path) = watching(&dir);
    let away = dir.path().join("away");
    fs::rename(&path, &away).unwrap();
    wait_gone(&scene);
    let next = payload([("a.conf", "2"), ("c.conf", "2")]);
    Volume::open(&away).unwrap().write(&next).unwrap();
    scene.expect_no_more_than(0);
    fs::rename(&away, &path).unwrap();
    scene.expect_payload(1, &next);
    fence(&scene, &Volume::open(&path).unwrap(), &next, 2);
}

#[test]
fn a_volume_replaced_by_another_is_one_signal() {
    let dir = open_dir();
    let (scene, path) = watching(&dir);
    let other = payload([("a.conf", "2"), ("c.conf", "2")]);
    let (old, (_, new)) = (dir.path().join("old"), volume(&dir, "new", &other));
    fs::rename(&path, &old).unwrap();
    fs::rename(&new, &path).unwrap();
    scene.expect_payload(1, &other);
    // The one that was moved away is nobody's configuration any more.
    Volume::open(&old).unwrap().write(&payload([("a.conf", "unseen")])).unwrap();
    scene.expect_no_more_than(1);
    fence(&scene, &Volume::open(&path).unwrap(), &other, 2);
}

#[test]
fn a_volume_that_comes_and_goes_often_is_followed() {
    let dir = open_dir();
    let (scene, path) = watching(&dir);
    let away = dir.path().join("away");
    for round in 1..=5 {
        fs::rename(&path, &away).unwrap();
        scene.sidecar.wait_for_log_lines(" gone path=", round, DEADLINE);
        fs::rename(&away, &path).unwrap();
        fence(&scene, &Volume::open(&path).unwrap(), &two_keys(), round);
    }
}
