//! What a change is: one swap, added and removed keys, several volumes, a single file.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use e2e::run::Run;
use sidecar_testkit::kubelet::payload;

use crate::support::{KEY, Scene, config};

const SIGHUP: i32 = 1;

pub(crate) fn one_swap_is_one_sighup(run: &'static Run) {
    let (volume, app, sidecar, _scene) = Scene::usual(run);
    volume.write(&config("2")).unwrap();
    app.expect_seen(&["2"]);
    volume.write(&config("3")).unwrap();
    app.expect_seen(&["2", "3"]);
    assert_eq!(app.signals().iter().map(|signal| signal.signal).collect::<Vec<_>>(), [SIGHUP; 2]);
    sidecar.wait_for_log("sent signal=SIGHUP", 2);
}

pub(crate) fn an_added_key_is_one_sighup(run: &'static Run) {
    let (volume, app, _sidecar, _scene) = Scene::usual(run);
    volume.write(&payload([(KEY, "1"), ("b.conf", "new")])).unwrap();
    app.expect_seen(&["1"]);
    assert_eq!(app.signals()[0].files["b.conf"], "new");
    volume.write(&payload([(KEY, "2"), ("b.conf", "new")])).unwrap();
    app.expect_seen(&["1", "2"]);
}

pub(crate) fn a_removed_key_is_one_sighup(run: &'static Run) {
    let mut scene = Scene::new(run);
    let volume = scene.volume("config", &payload([(KEY, "1"), ("b.conf", "old")]));
    let app = scene.app(|app| app);
    let _sidecar = scene.sidecar(|sidecar| sidecar.in_namespace_of(&app));
    volume.write(&config("1")).unwrap();
    app.expect_seen(&["1"]);
    assert!(!app.signals()[0].files.contains_key("b.conf"));
    volume.write(&config("2")).unwrap();
    app.expect_seen(&["1", "2"]);
}

pub(crate) fn two_volumes_updated_300_ms_apart_are_two_sighups(run: &'static Run) {
    let mut scene = Scene::new(run);
    let volumes = ["one", "two"].map(|name| scene.volume(name, &config("1")));
    let app = scene.app(|app| app);
    let _sidecar = scene.sidecar(|sidecar| sidecar.in_namespace_of(&app));
    volumes[0].write(&config("2")).unwrap();
    sleep(Duration::from_millis(300));
    volumes[1].write(&config("2")).unwrap();
    app.wait_for_signals(2);
    volumes[0].write(&config("3")).unwrap();
    app.wait_for_signals(3);
    let seen = |name: &str| {
        app.signals().iter().map(|signal| signal.files[&format!("/{name}/{KEY}")].clone()).collect::<Vec<_>>()
    };
    assert_eq!(seen("one"), ["2", "2", "3"]);
    assert_eq!(seen("two"), ["1", "2", "2"]);
}

pub(crate) fn a_mounted_file_rewritten_in_place_is_one_sighup(run: &'static Run) {
    let mut scene = Scene::new(run);
    let file = scene.file(KEY, "1");
    let app = scene.app(|app| app);
    let _sidecar = scene.sidecar(|sidecar| sidecar.in_namespace_of(&app));
    fs::write(&file, "2").unwrap();
    app.expect_seen(&["2"]);
    fs::write(&file, "3").unwrap();
    app.expect_seen(&["2", "3"]);
}
