//! Directories in directories, links to directories, and directories that go away.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::Watched;
use crate::support::{Builder, DEADLINE, Files, Scene, files, open_dir, plain_dir};

fn two() -> Files {
    files([("a.conf", "1"), ("b.conf", "1")])
}

fn with(mut before: Files, name: &str, content: &str) -> Files {
    before.insert(name.to_owned(), content.to_owned());
    before
}

#[test]
fn a_new_subdirectory_is_one_signal_and_its_content_is_none() {
    let watched = Watched::new();
    fs::create_dir(watched.path("sub")).unwrap();
    watched.scene.expect_signal(1, &two());
    fs::write(watched.path("sub/c.conf"), "1").unwrap();
    fs::write(watched.path("sub/c.conf"), "2").unwrap();
    fs::create_dir(watched.path("sub/deeper")).unwrap();
    let mut now = with(two(), "sub/c.conf", "2");
    watched.expect_no_signal(1, &now);
    fs::remove_dir_all(watched.path("sub")).unwrap();
    now.remove("sub/c.conf");
    watched.expect_signal(3, &with(now, "fence", "1"));
}

#[test]
fn a_subdirectory_that_is_there_at_start_is_not_looked_into() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    let sub = plain_dir(&conf.join("sub"), &[("c.conf", "1")]);
    let scene = Scene::watching(&conf);
    fs::write(sub.join("c.conf"), "2").unwrap();
    fs::remove_file(sub.join("c.conf")).unwrap();
    scene.expect_no_more_than(0);
    fs::write(conf.join("a.conf"), "2").unwrap();
    scene.expect_signal(1, &files([("a.conf", "2")]));
}

#[test]
fn a_subdirectory_can_be_watched_beside_its_parent() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    let sub = plain_dir(&conf.join("sub"), &[("c.conf", "1")]);
    let scene = Scene::with(&[&conf, &sub], |sidecar| sidecar);
    fs::write(sub.join("c.conf"), "2").unwrap();
    scene.expect_count(1);
    fs::write(conf.join("a.conf"), "2").unwrap();
    scene.expect_count(2);
    scene.expect_no_more_than(2);
}

/// Leads `link` to `old` first, then by `lead` to `new`.
fn led_elsewhere(lead: impl FnOnce(&Path, &Path)) {
    let dir = open_dir();
    let old = plain_dir(&dir.path().join("old"), &[("a.conf", "old")]);
    let new = plain_dir(&dir.path().join("new"), &[("a.conf", "new")]);
    let link = dir.path().join("conf");
    symlink("old", &link).unwrap();
    let scene = Scene::watching(&link);
    fs::write(old.join("a.conf"), "older").unwrap();
    scene.expect_signal(1, &files([("a.conf", "older")]));
    lead(Path::new("new"), &link);
    scene.expect_signal(2, &files([("a.conf", "new")]));
    fs::write(old.join("a.conf"), "unseen").unwrap();
    scene.expect_no_more_than(2);
    fs::write(new.join("a.conf"), "newer").unwrap();
    scene.expect_signal(3, &files([("a.conf", "newer")]));
}

#[test]
fn a_link_replaced_by_another_is_one_signal() {
    led_elsewhere(|target, link| {
        let temporary = link.with_file_name("temporary");
        symlink(target, &temporary).unwrap();
        fs::rename(temporary, link).unwrap();
    });
}

#[test]
fn a_link_deleted_and_made_again_is_one_signal() {
    led_elsewhere(|target, link| {
        fs::remove_file(link).unwrap();
        symlink(target, link).unwrap();
    });
}

#[test]
fn a_link_led_to_the_same_content_is_no_signal() {
    let dir = open_dir();
    plain_dir(&dir.path().join("old"), &[("a.conf", "1")]);
    let new = plain_dir(&dir.path().join("new"), &[("a.conf", "1")]);
    let (link, temporary) = (dir.path().join("conf"), dir.path().join("temporary"));
    symlink("old", &link).unwrap();
    let scene = Scene::watching(&link);
    symlink("new", &temporary).unwrap();
    fs::rename(temporary, &link).unwrap();
    scene.expect_no_more_than(0);
    fs::write(new.join("a.conf"), "2").unwrap();
    scene.expect_signal(1, &files([("a.conf", "2")]));
}

/// A directory half removed or half made must not pass for a settled one on a slow machine.
fn patient() -> Watched {
    Watched::with(|sidecar: Builder| sidecar.env("QUIET_PERIOD", "500ms").env("MAX_WAIT", "10s"))
}

#[test]
fn a_directory_made_again_with_other_content_is_one_signal() {
    let watched = patient();
    fs::remove_dir_all(&watched.dir).unwrap();
    watched.scene.sidecar.wait_for_log(" gone path=", DEADLINE);
    watched.scene.expect_no_more_than(0);
    plain_dir(&watched.dir, &[("c.conf", "2")]);
    watched.expect_signal(1, &files([("c.conf", "2")]));
}

#[test]
fn a_directory_made_again_at_once_with_other_content_is_one_signal() {
    let watched = patient();
    fs::remove_dir_all(&watched.dir).unwrap();
    plain_dir(&watched.dir, &[("c.conf", "2")]);
    watched.expect_signal(1, &files([("c.conf", "2")]));
}

#[test]
fn a_directory_made_again_with_the_same_content_is_no_signal() {
    let watched = patient();
    fs::remove_dir_all(&watched.dir).unwrap();
    watched.scene.sidecar.wait_for_log(" gone path=", DEADLINE);
    plain_dir(&watched.dir, &[("a.conf", "1"), ("b.conf", "1")]);
    watched.scene.sidecar.wait_for_log(" back path=", DEADLINE);
    watched.expect_no_signal(0, &two());
}

#[test]
fn a_directory_replaced_by_a_rename_is_one_signal() {
    let watched = Watched::new();
    let new = plain_dir(&watched.outside.path().join("new"), &[("c.conf", "2")]);
    let old = watched.outside.path().join("old");
    fs::rename(&watched.dir, &old).unwrap();
    fs::rename(new, &watched.dir).unwrap();
    watched.scene.expect_signal(1, &files([("c.conf", "2")]));
    fs::write(old.join("a.conf"), "unseen").unwrap();
    watched.expect_no_signal(1, &files([("c.conf", "2")]));
}

#[test]
fn a_directory_whose_parent_is_deleted_and_replaced_is_one_signal() {
    let dir = open_dir();
    let [parent, new] = ["parent", "new"].map(|name| dir.path().join(name));
    let conf = plain_dir(&parent.join("conf"), &[("a.conf", "1")]);
    plain_dir(&new.join("conf"), &[("a.conf", "2")]);
    let scene = Scene::with(&[&conf], |sidecar| sidecar.env("QUIET_PERIOD", "500ms"));
    // An ancestor that is deleted takes the directory with it; the way is followed from above.
    fs::remove_dir_all(&parent).unwrap();
    scene.sidecar.wait_for_log(" gone path=", DEADLINE);
    fs::rename(&new, &parent).unwrap();
    scene.expect_signal(1, &files([("a.conf", "2")]));
    fs::write(conf.join("a.conf"), "3").unwrap();
    scene.expect_signal(2, &files([("a.conf", "3")]));
}
