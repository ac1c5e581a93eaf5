//! Paths that lead into a volume: single keys, and links from elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sidecar_testkit::kubelet::{Order, Volume, payload};

use crate::support::{Scene, files, open_dir, plain_dir};
use crate::{in_both_orders, two_keys, volume};

in_both_orders!(
    a_single_key_counts_and_its_neighbours_do_not,
    a_single_key_that_comes_and_goes_is_one_signal,
    a_key_through_a_link_from_elsewhere_counts,
);

/// Changes `a.conf` only; the signal must be number `count`.
#[track_caller]
fn change_a(scene: &Scene, volume: &Volume, name: &str, content: &str, count: usize) {
    volume.write(&payload([("a.conf", content), ("b.conf", content)])).unwrap();
    scene.expect_signal(count, &files([(name, content)]));
}

fn single(path: &Path, volume: &Volume, name: &str) {
    let scene = Scene::watching(path);
    change_a(&scene, volume, name, "2", 1);
    volume.write(&payload([("a.conf", "2"), ("b.conf", "3")])).unwrap();
    scene.expect_no_more_than(1);
    // Added and removed neighbours make and drop visible links.
    volume.write(&payload([("a.conf", "2"), ("c.conf", "3")])).unwrap();
    scene.expect_no_more_than(1);
    change_a(&scene, volume, name, "4", 2);
    change_a(&scene, volume, name, "5", 3);
}

fn a_single_key_counts_and_its_neighbours_do_not(order: Order) {
    let dir = open_dir();
    let (volume, path) = volume(&dir, "vol", &two_keys());
    single(&path.join("a.conf"), &volume.order(order), "a.conf");
}

fn a_single_key_that_comes_and_goes_is_one_signal(order: Order) {
    let dir = open_dir();
    let (volume, path) = volume(&dir, "vol", &two_keys());
    let volume = volume.order(order);
    let scene = Scene::watching(path.join("a.conf"));
    volume.write(&payload([("b.conf", "1")])).unwrap();
    scene.expect_no_more_than(0);
    volume.write(&payload([("a.conf", "2"), ("b.conf", "1")])).unwrap();
    scene.expect_signal(1, &files([("a.conf", "2")]));
    change_a(&scene, &volume, "a.conf", "3", 2);
}

fn a_key_through_a_link_from_elsewhere_counts(order: Order) {
    let dir = open_dir();
    let (volume, path) = volume(&dir, "vol", &two_keys());
    let link = dir.path().join("app.conf");
    symlink(path.join("a.conf"), &link).unwrap();
    single(&link, &volume.order(order), "app.conf");
}

#[test]
fn a_link_to_a_volume_is_the_volume() {
    let dir = open_dir();
    let (volume, path) = volume(&dir, "vol", &two_keys());
    let link = dir.path().join("conf");
    symlink(path, &link).unwrap();
    let scene = Scene::watching(&link);
    let next = payload([("a.conf", "2"), ("c.conf", "2")]);
    volume.write(&next).unwrap();
    scene.expect_payload(1, &next);
    crate::fence(&scene, &volume, &next, 2);
}

#[test]
fn a_link_led_to_another_volume_is_one_signal() {
    let dir = open_dir();
    let other_keys = payload([("a.conf", "other")]);
    let ((volume_before, path), (volume_after, other)) =
        (volume(&dir, "vol", &two_keys()), volume(&dir, "other", &other_keys));
    let (link, new) = (dir.path().join("conf"), dir.path().join("conf.new"));
    symlink(path, &link).unwrap();
    let scene = Scene::watching(&link);
    symlink(other, &new).unwrap();
    fs::rename(new, &link).unwrap();
    scene.expect_payload(1, &other_keys);
    volume_before.write(&payload([("a.conf", "unseen")])).unwrap();
    scene.expect_no_more_than(1);
    crate::fence(&scene, &volume_after, &other_keys, 2);
}

#[test]
fn keys_through_links_in_a_plain_directory_count() {
    let dir = open_dir();
    let (volume, path) = volume(&dir, "vol", &two_keys());
    let conf = plain_dir(&dir.path().join("conf"), &[("own.conf", "1")]);
    symlink(path.join("a.conf"), conf.join("a.conf")).unwrap();
    // The directory is watched and where its links lead is not: both must be told.
    let paths = [conf.as_path(), &path.join("a.conf")];
    let scene = Scene::with(&paths, |sidecar| sidecar);
    volume.write(&payload([("a.conf", "2"), ("b.conf", "1")])).unwrap();
    scene.expect_count(1);
    fs::write(conf.join("own.conf"), "2").unwrap();
    scene.expect_count(2);
}
