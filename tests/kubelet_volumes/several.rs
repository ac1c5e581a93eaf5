//! Several volumes in one `CONFIG_DIR`.

use sidecar_testkit::kubelet::payload;

use crate::support::{Scene, files, open_dir, plain_dir};
use crate::{below, two_keys, volume};

#[test]
fn two_volumes_changed_apart_are_two_signals() {
    let dir = open_dir();
    let ((one, one_path), (two, two_path)) =
        (volume(&dir, "one", &two_keys()), volume(&dir, "two", &two_keys()));
    let scene = Scene::with(&[&one_path, &two_path], |sidecar| sidecar);
    let (first, second) = (payload([("a.conf", "2")]), payload([("c.conf", "3")]));
    one.write(&first).unwrap();
    let both = [below(&one_path, &first), below(&two_path, &two_keys())].concat();
    scene.expect_signal(1, &files(both));
    two.write(&second).unwrap();
    let both = [below(&one_path, &first), below(&two_path, &second)].concat();
    scene.expect_signal(2, &files(both));
    one.write(&two_keys()).unwrap();
    let both = [below(&one_path, &two_keys()), below(&two_path, &second)].concat();
    scene.expect_signal(3, &files(both));
}

#[test]
fn a_sync_of_two_volumes_with_one_change_is_one_signal() {
    let dir = open_dir();
    let ((one, one_path), (two, two_path)) =
        (volume(&dir, "one", &two_keys()), volume(&dir, "two", &two_keys()));
    let scene = Scene::with(&[&one_path, &two_path], |sidecar| sidecar);
    for count in 1..=5 {
        let next = payload([("a.conf", count.to_string())]);
        one.write(&next).unwrap();
        two.write(&two_keys()).unwrap();
        let both = [below(&one_path, &next), below(&two_path, &two_keys())].concat();
        scene.expect_signal(count, &files(both));
    }
}

#[test]
fn a_volume_and_a_plain_directory_count_each() {
    let dir = open_dir();
    let (one, one_path) = volume(&dir, "one", &two_keys());
    let plain = plain_dir(&dir.path().join("plain"), &[("p.conf", "1")]);
    let scene = Scene::with(&[&one_path, &plain], |sidecar| sidecar);
    let next = payload([("a.conf", "2")]);
    one.write(&next).unwrap();
    let mut both = [below(&one_path, &next), below(&plain, &payload([("p.conf", "1")]))].concat();
    scene.expect_signal(1, &files(both));
    std::fs::write(plain.join("p.conf"), "2").unwrap();
    both = [below(&one_path, &next), below(&plain, &payload([("p.conf", "2")]))].concat();
    scene.expect_signal(2, &files(both));
}

/// As one sync of the kubelet writes the volumes of a pod: one right after the other.
#[test]
fn two_volumes_written_one_right_after_the_other_are_one_signal_in_a_hundred_of_a_hundred_tries() {
    let dir = open_dir();
    let ((one, one_path), (two, two_path)) =
        (volume(&dir, "one", &two_keys()), volume(&dir, "two", &two_keys()));
    let scene = Scene::with(&[&one_path, &two_path], |sidecar| sidecar);
    for count in 1..=100 {
        let next = payload([("a.conf", count.to_string())]);
        one.write(&next).unwrap();
        two.write(&next).unwrap();
        scene.expect_signal(count, &files([below(&one_path, &next), below(&two_path, &next)].concat()));
    }
    scene.expect_no_more_than(100);
    one.write(&two_keys()).unwrap();
    scene.expect_count(101);
}
