//! Watched paths.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sidecar_testkit::kubelet::{Payload, Volume, payload};

use crate::support::{Sidecar, digest_of, is_root};
use crate::{NOBODY, Pod, found};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_plain_directory_is_shown_with_the_digest_of_the_log() {
    let pod = Pod::new();
    let found = pod.found();
    found.ok();
    let path = &found.facts("watched_paths")[0];
    assert_eq!(path["path"], pod.dir.path().to_str().unwrap());
    assert_eq!((&path["kind"], &path["entries"]), (&"directory".into(), &1.into()));
    assert!(path["kubelet_volume"].is_null() && path["readable"] == true);
    let digest = format!("digest={}", path["digest"].as_str().unwrap());
    assert_eq!(digest, digest_of(&[pod.dir.path()]));
}

#[test]
fn a_kubelet_volume_and_a_file_in_it_are_shown_as_such() {
    let pod = Pod::new();
    let volume = Volume::create(&pod.dir.path().join("volume"), &payload([("a", "1"), ("b", "2")])).unwrap();
    let check = || Sidecar::builder().process_name(&pod.name).arg("check").config_dir(volume.path());
    let found = found(check().config_dir(volume.path().join("a")));
    found.ok();
    let paths = found.facts("watched_paths");
    for (index, kind, entries) in [(0, "directory", 2), (1, "file", 1)] {
        assert_eq!(paths[index]["kubelet_volume"], volume.path().to_str().unwrap());
        assert_eq!((&paths[index]["kind"], &paths[index]["entries"]), (&kind.into(), &entries.into()));
        assert_eq!(paths[index]["sub_paths"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn a_missing_path_is_mended_by_making_it() {
    let pod = Pod::new();
    let path = pod.dir.path().join("later");
    let check = || found(pod.check().config_dir(&path));
    let found = check();
    found.wrong("path-missing").what(path.to_str().unwrap()).mend("mount it, or correct CONFIG_DIR");
    assert_eq!(found.facts("watched_paths")[1]["kind"], "missing");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a.conf"), "1").unwrap();
    check().ok();
}

#[test]
fn an_empty_directory_is_mended_by_filling_it() {
    let pod = Pod::new();
    let path = pod.dir.path().join("empty");
    fs::create_dir(&path).unwrap();
    let check = || found(pod.check().config_dir(&path).env("IGNORE", "*.bak"));
    check().wrong("path-empty").what(&format!("{} is empty", path.display())).mend("mount the volume");
    fs::write(path.join("a.bak"), "1").unwrap();
    check().wrong("path-empty").mend("correct CONFIG_DIR or IGNORE");
    fs::write(path.join("a.conf"), "1").unwrap();
    check().ok();
}

#[test]
fn an_empty_volume_is_a_warning_for_its_first_key_would_be_delivered() {
    let pod = Pod::new();
    let volume = Volume::create(&pod.dir.path().join("volume"), &Payload::new()).unwrap();
    let check = || found(pod.check().config_dir(volume.path()));
    check().warning("path-empty").what(&format!("{} is a volume without keys", volume.path().display()));
    volume.write(&payload([("a", "1")])).unwrap();
    check().ok();
}

#[test]
fn what_only_root_may_read_is_mended_by_its_mode() {
    assert!(is_root(), "this test becomes another user: run the tests as root");
    let pod = Pod::with(|target| target.user(NOBODY, NOBODY));
    let (file, dir) = (pod.dir.path().join("a.conf"), pod.dir.path().join("sub"));
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("b.conf"), "1").unwrap();
    let check = || found(pod.check().user(NOBODY, NOBODY).config_dir(&dir));
    check().ok();

    set_mode(&file, 0o400);
    let unreadable = check();
    unreadable
        .wrong("path-unreadable")
        .what(&format!("cannot read {}: ", file.display()))
        .mend("defaultMode");
    assert_eq!(unreadable.facts("watched_paths")[0]["unreadable"], file.to_str().unwrap());
    set_mode(&file, 0o444);
    check().ok();

    set_mode(&dir, 0o700);
    check().wrong("path-unreadable").what(&format!("cannot read {}: ", dir.display())).mend("user that may");
    set_mode(&dir, 0o755);
    check().ok();
}
