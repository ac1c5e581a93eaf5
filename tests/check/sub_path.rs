//! Mounts of single keys, as the kubelet makes them for `subPath`. Each check has a mount namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};

use sidecar_testkit::kubelet::{Volume, payload};

use crate::support::Builder;
use crate::{Found, Pod, found};

/// A pod with a volume of two keys, and a place to mount one on.
struct Mounted {
    pod: Pod,
    volume: Volume,
    point: PathBuf,
}

impl Mounted {
    fn new() -> Self {
        let pod = Pod::new();
        let volume = pod.dir.path().join("volume");
        let volume = Volume::create(&volume, &payload([("a", "1"), ("conf.d/b", "2")])).unwrap();
        let app = pod.dir.path().join("app");
        fs::create_dir_all(app.join("deep")).unwrap();
        fs::write(app.join("key"), "of the image").unwrap();
        fs::write(app.join("deep/key"), "of the image").unwrap();
        Self { pod, volume, point: app.join("key") }
    }

    /// What the kubelet binds.
    fn key(&self, name: &str) -> PathBuf {
        let data = fs::read_link(self.volume.path().join("..data")).unwrap();
        self.volume.path().join(data).join(name)
    }

    fn check(&self, path: &Path) -> Builder {
        self.pod.check().config_dir(path)
    }

    /// What is found where `key` is mounted on `point`, and `then` has happened.
    #[track_caller]
    fn found(&self, key: &Path, point: &Path, watched: &Path, then: &str) -> Found {
        let script = format!("mount --bind '{}' '{}'\n{then}", key.display(), point.display());
        found(self.check(watched).within(&script))
    }
}

#[test]
fn a_key_mounted_alone_is_mended_by_the_whole_volume() {
    let mounted = Mounted::new();
    let (key, point) = (mounted.key("a"), &mounted.point);
    let wrong = mounted.found(&key, point, point, "");
    let what = format!("{} is a subPath mount, which the kubelet never updates", point.display());
    wrong.wrong("sub-path").what(&what).mend("mount the whole volume (no subPath)");
    let sub_path = &wrong.facts("watched_paths")[1]["sub_paths"][0];
    assert_eq!(
        (&sub_path["mounted_on"], &sub_path["outdated"]),
        (&point.to_str().unwrap().into(), &false.into())
    );

    // The volume mounted as a whole, and a key of it watched through the link.
    let dir = point.parent().unwrap();
    let mended = mounted.found(mounted.volume.path(), dir, &dir.join("a"), "");
    mended.ok();
    assert_eq!(mended.facts("watched_paths")[1]["kubelet_volume"], dir.to_str().unwrap());
}

#[test]
fn after_the_first_update_it_is_outdated() {
    let mounted = Mounted::new();
    let (key, point) = (mounted.key("a"), &mounted.point);
    let found = mounted.found(&key, point, point, &format!("rm '{}'", key.display()));
    found.wrong("sub-path");
    assert_eq!(found.facts("watched_paths")[1]["sub_paths"][0]["outdated"], true);
    assert!(found.problems()[0]["what"].as_str().unwrap().ends_with("and it is outdated already"));
}

#[test]
fn a_directory_of_keys_mounted_alone_is_one_too() {
    let mounted = Mounted::new();
    let (key, dir) = (mounted.key("conf.d"), mounted.point.with_file_name("deep"));
    mounted.found(&key, &dir, &dir, "").wrong("sub-path");
}

#[test]
fn a_key_mounted_into_a_watched_directory_is_told_and_one_deeper_only_where_that_is_watched() {
    let mounted = Mounted::new();
    let (key, dir) = (mounted.key("a"), mounted.point.parent().unwrap());
    let what = format!("{} is a subPath mount", mounted.point.display());
    mounted.found(&key, &mounted.point, dir, "").wrong("sub-path").what(&what);
    let deep = dir.join("deep/key");
    mounted.found(&key, &deep, dir, "").ok();
    let script = format!("mount --bind '{}' '{}'", key.display(), deep.display());
    let found = found(mounted.check(dir).env("RECURSIVE", "true").within(&script));
    // For it is in the watched directory above as well.
    assert_eq!(found.codes("wrong"), ["sub-path", "sub-path"]);
}

#[test]
fn a_file_of_the_nodes_own_mounted_alone_is_a_warning_and_wrong_once_it_is_replaced() {
    let mounted = Mounted::new();
    let own = mounted.pod.dir.path().join("own.conf");
    fs::write(&own, "1").unwrap();
    let found = mounted.found(&own, &mounted.point, &mounted.point, "");
    let what = format!("{} is a single file that is mounted", mounted.point.display());
    let directory = "mount the directory that holds the file";
    found.warning("single-file").what(&what).mend(directory);
    let replaced = format!("cp '{0}' '{0}.new'; mv '{0}.new' '{0}'", own.display());
    let found = mounted.found(&own, &mounted.point, &mounted.point, &replaced);
    found.wrong("single-file").what(&what).mend(directory);
}
