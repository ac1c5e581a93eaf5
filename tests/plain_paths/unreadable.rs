//! Files that the sidecar's user may not read: they count by identity.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sidecar_testkit::kubelet::{Volume, payload};

use crate::support::{Scene, is_root, open_dir, plain_dir};

/// The user of sidecar and target: nobody.
const USER: u32 = 65534;

/// What the log says of a file that it cannot read.
const WARNING: &str = " unreadable path=";

fn replace(path: &Path, content: &str) {
    let new = path.with_file_name("..new");
    fs::write(&new, content).unwrap();
    fs::set_permissions(&new, Permissions::from_mode(0o000)).unwrap();
    fs::rename(new, path).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_one_warning_and_its_changes_one_signal_each() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    let secret = conf.join("secret");
    replace(&secret, "1");
    let scene = Scene::for_user(USER, &[&conf]);
    for count in 1..=3 {
        replace(&secret, &count.to_string());
        let signal = scene.expect_count(count);
        assert!(signal.files["secret"].starts_with("error: "), "{:?}", signal.files);
        scene.expect_no_more_than(count);
    }
    fs::write(conf.join("a.conf"), "2").unwrap();
    let signal = scene.expect_count(4);
    assert_eq!(signal.files["a.conf"], "2");
    let warnings = scene.sidecar.log_lines(WARNING);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(&*secret.to_string_lossy()), "{warnings:?}");
}

#[test]
fn a_single_file_that_cannot_be_read_counts() {
    let dir = open_dir();
    let secret = dir.path().join("secret");
    replace(&secret, "1");
    let scene = Scene::for_user(USER, &[&secret]);
    for count in 1..=3 {
        replace(&secret, &count.to_string());
        scene.expect_count(count);
    }
    assert_eq!(scene.sidecar.log_lines(WARNING).len(), 1);
}

#[test]
fn a_secret_that_only_its_owner_reads_is_one_signal_a_change() {
    let dir = open_dir();
    let path = dir.path().join("vol");
    fs::create_dir(&path).unwrap();
    let volume = Volume::open(&path).unwrap().mode(0o400);
    volume.write(&payload([("key", "1")])).unwrap();
    let scene = Scene::for_user(USER, &[&path]);
    for (count, text) in (1..).zip(["2", "3", "4"]) {
        let next = payload([("key", text), (&format!("key-{text}"), text)]);
        volume.write(&next).unwrap();
        scene.expect_count(count);
        // A sync without a change.
        volume.write(&next).unwrap();
        scene.expect_no_more_than(count);
    }
    // Their owner reads them where the tests are not root.
    assert_eq!(scene.sidecar.log_lines(WARNING).len(), usize::from(is_root()));
}

#[test]
fn a_single_key_of_a_secret_that_only_its_owner_reads_counts() {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &payload([("key", "1")])).unwrap().mode(0o400);
    volume.write(&payload([("key", "2")])).unwrap();
    let scene = Scene::for_user(USER, &[&volume.path().join("key")]);
    for (count, text) in (1..).zip(["3", "4", "5"]) {
        volume.write(&payload([("key", text)])).unwrap();
        scene.expect_count(count);
        scene.expect_no_more_than(count);
    }
}
