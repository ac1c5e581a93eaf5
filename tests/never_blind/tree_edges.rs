//! What a tree can hold that is not for everybody to follow.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use sidecar_testkit::target::Target;

use crate::support::{Scene, Sidecar, WakeUps, is_root, open_dir, plain_dir, unique_name};
use crate::tree::{deep, tree, with};
use crate::{Watched, events_only};

/// A user that nothing of the machine belongs to.
const USER: u32 = 61_234;

#[test]
fn a_directory_that_cannot_be_read_keeps_nobody_busy_and_hides_nothing_else() {
    if !is_root() {
        return crate::tell("left out, for only root can become another user");
    }
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    let closed = plain_dir(&conf.join("closed"), &[("b.conf", "1")]);
    let open = plain_dir(&conf.join("open"), &[("c.conf", "1")]);
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let name = unique_name();
    let target = Target::builder().named(&name).user(USER, USER).spawn().unwrap();
    let sidecar = Sidecar::builder().config_dir(&conf).process_name(&name).env("RECURSIVE", "true");
    let scene = Scene { sidecar: events_only(sidecar).user(USER, USER).spawn(), target };
    WakeUps::when_idle(scene.sidecar.pid());
    for (count, text) in [(1, "2"), (2, "3")] {
        fs::write(open.join("c.conf"), text).unwrap();
        scene.expect_count(count);
    }
    scene.expect_no_more_than(2);
    // What comes later is no different.
    let later = plain_dir(&dir.path().join("later"), &[("d.conf", "1")]);
    fs::set_permissions(&later, Permissions::from_mode(0o700)).unwrap();
    fs::rename(&later, conf.join("later")).unwrap();
    scene.expect_count(3);
    fs::write(open.join("c.conf"), "4").unwrap();
    scene.expect_count(4);
    scene.expect_no_more_than(4);
    WakeUps::when_idle(scene.sidecar.pid());
    fs::write(open.join("c.conf"), "5").unwrap();
    scene.expect_count(5);
}

#[test]
fn a_link_to_a_directory_elsewhere_is_followed() {
    let make = |conf: &Path| {
        plain_dir(conf, &[("a.conf", "1")]);
        let elsewhere = plain_dir(&conf.with_file_name("elsewhere"), &[("b.conf", "1")]);
        symlink(elsewhere, conf.join("link")).unwrap();
    };
    let watched = Watched::made_by(make, |_, sidecar| events_only(sidecar.env("RECURSIVE", "true")));
    for text in ["2", "3"] {
        let edit = || fs::write(watched.conf.with_file_name("elsewhere").join("b.conf"), text).unwrap();
        let signal = watched.notice_any(edit);
        assert_eq!(signal.files["a.conf"], "1");
    }
    watched.expect_quiet();
    watched.notice_any(|| fs::write(watched.path("a.conf"), "2").unwrap());
}

#[test]
fn a_link_back_into_the_tree_is_harmless() {
    let watched = tree(|sidecar| sidecar);
    let looped = || symlink("../..", watched.path("one/two/back")).unwrap();
    watched.notice_any(looped);
    WakeUps::when_idle(watched.sidecar_pid());
    watched.notice_any(|| fs::write(watched.path("one/two/three/deep.conf"), "2").unwrap());
    watched.expect_quiet();
    watched.notice_any(|| fs::remove_file(watched.path("one/two/back")).unwrap());
    let edit = || fs::write(watched.path("one/two/three/deep.conf"), "3").unwrap();
    watched.notice(&deep("3"), edit);
    let expected = with(deep("3"), "a.conf", "2");
    watched.notice(&expected, || fs::write(watched.path("a.conf"), "2").unwrap());
}
