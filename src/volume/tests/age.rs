//! The age of what a watched path holds.

use super::*;
use crate::walk::changed_at;
use sidecar_testkit::wait;

fn changed(path: &Path) -> Option<SystemTime> {
    How::default().last_change(path)
}

fn changed_in_tree(path: &Path) -> Option<SystemTime> {
    RECURSIVE.last_change(path)
}

fn time_of(path: &Path) -> Option<SystemTime> {
    changed_at(&fs::symlink_metadata(path).unwrap())
}

/// Writes to a probe until the clock of the file system has gone on this long since all that happened below the directory.
fn let_pass(directory: &Path, span: Duration) {
    let last = changed_in_tree(directory).max(time_of(directory)).unwrap();
    let probe = directory.with_extension("probe");
    wait::until(Duration::from_secs(10), "the clock of the file system", || {
        fs::write(&probe, "").unwrap();
        (time_of(&probe).unwrap() > last + span).then_some(())
    });
}

const TICK: Duration = Duration::ZERO;
/// Longer than two times can be apart that are of one system call.
const MOMENT: Duration = Duration::from_millis(40);

#[test]
fn a_path_is_as_old_as_the_last_change_of_anything_in_it() {
    let (guard, dir) = directory();
    fs::create_dir(dir.join("sub")).unwrap();
    fs::write(dir.join("sub/c"), "").unwrap();
    fs::write(guard.path().join("real"), "").unwrap();
    symlink("../real", dir.join("link")).unwrap();
    assert_eq!(changed(&dir), time_of(&dir));
    let last = |path: &Path| {
        let_pass(&dir, TICK);
        fs::set_permissions(path, fs::Permissions::from_mode(0o750)).unwrap();
        time_of(path)
    };
    for path in [dir.join("a"), guard.path().join("real"), dir.clone()] {
        let time = last(&path);
        assert_eq!(changed(&dir), time, "{}", path.display());
        // A program can set this time back.
        set_modified_if_file(&path);
        assert!(changed(&dir) >= time, "{}", path.display());
    }
    for path in ["sub/c", "sub"] {
        let time = last(&dir.join(path));
        assert_eq!(changed_in_tree(&dir), time, "{path}");
        assert!(changed(&dir) < time, "{path} does not count");
    }
}

fn set_modified_if_file(path: &Path) {
    if path.is_file() {
        set_modified(path, SystemTime::UNIX_EPOCH);
    }
}

#[test]
fn what_the_kubelet_writes_does_not_age() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(&dir.path().join("v"), &payload([("a", "1"), ("conf.d/b", "1")])).unwrap();
    assert_eq!(changed(volume.path()), None);
    let inside = How { inside: Some(volume.path()), ..How::default() };
    for path in ["a", "conf.d"] {
        // The way to here is a visible link, which is as old as itself.
        let path = volume.path().join(path);
        assert_eq!(inside.last_change(&path), time_of(&path));
    }
    assert_eq!(inside.last_change(&volume.path().join("..data/conf.d")), None);
    fs::write(volume.path().join("note"), "").unwrap();
    assert_eq!(changed(volume.path()), time_of(&volume.path().join("note")), "not the kubelet's");
}

#[test]
fn a_path_that_is_a_link_is_as_old_as_the_link_at_least() {
    let (guard, dir) = directory();
    let_pass(&dir, TICK);
    let link = guard.path().join("link");
    symlink("conf", &link).unwrap();
    assert!(changed(&dir) < time_of(&link));
    assert_eq!(changed(&link), time_of(&link));
    let_pass(&dir, TICK);
    fs::write(dir.join("a"), "2").unwrap();
    assert_eq!(changed(&link), changed(&dir));
}

#[test]
fn an_ignored_name_does_not_age_its_directory() {
    let (_guard, dir) = directory();
    let changed = || How { ignore: &["token"], ..How::default() }.last_change(&dir);
    let_pass(&dir, MOMENT);
    fs::write(dir.join("token"), "").unwrap();
    assert!(changed() < time_of(&dir));
    assert_eq!(changed(), time_of(&dir.join("a")).max(time_of(&dir.join("b"))));
    let_pass(&dir, MOMENT);
    fs::remove_file(dir.join("b")).unwrap();
    assert_eq!(changed(), time_of(&dir), "a name that counts went");
}
