//! One change that is seen through several paths, or made in several steps.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{Scene, open_dir, plain_dir};

const TRIES: usize = 100;

/// Each change must be one signal, and the number of all tells that there was no other.
#[track_caller]
fn expect_one_signal_each(paths: &[&Path], mut change: impl FnMut(usize)) {
    let scene = Scene::with(paths, |sidecar| sidecar);
    for count in 1..=TRIES + 1 {
        change(count);
        scene.expect_count(count);
    }
    scene.expect_no_more_than(TRIES + 1);
}

#[test]
fn an_edit_seen_through_two_paths_is_one_signal_in_a_hundred_of_a_hundred_tries() {
    let dir = open_dir();
    let available = plain_dir(&dir.path().join("sites-available"), &[("site", "0")]);
    let enabled = plain_dir(&dir.path().join("sites-enabled"), &[]);
    symlink("../sites-available/site", enabled.join("site")).unwrap();
    expect_one_signal_each(&[&enabled, &available], |count| {
        fs::write(available.join("site"), count.to_string()).unwrap();
    });
}

#[test]
fn a_directory_that_is_listed_twice_is_one_signal_in_a_hundred_of_a_hundred_tries() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("run/app"), &[("a.conf", "0")]);
    symlink("run", dir.path().join("varrun")).unwrap();
    expect_one_signal_each(&[&conf, &dir.path().join("varrun/app")], |count| {
        fs::write(conf.join("a.conf"), count.to_string()).unwrap();
    });
}

/// As certbot renews a certificate: it writes four files, and then leads four links to them.
#[test]
fn four_links_led_elsewhere_are_one_signal_in_a_hundred_of_a_hundred_tries() {
    const NAMES: [&str; 4] = ["cert", "chain", "fullchain", "privkey"];
    let dir = open_dir();
    let archive = plain_dir(&dir.path().join("archive"), &[]);
    let live = plain_dir(&dir.path().join("live"), &[]);
    let renew = |count: usize| {
        for name in NAMES {
            fs::write(archive.join(format!("{name}{count}.pem")), format!("{name} {count}")).unwrap();
        }
        for name in NAMES {
            let (link, new) = (live.join(format!("{name}.pem")), archive.join("new"));
            symlink(format!("../archive/{name}{count}.pem"), &new).unwrap();
            fs::rename(new, link).unwrap();
        }
    };
    renew(0);
    let links: Vec<PathBuf> = NAMES.iter().map(|name| live.join(format!("{name}.pem"))).collect();
    let watched: Vec<&Path> = links.iter().map(PathBuf::as_path).collect();
    expect_one_signal_each(&watched, renew);
}

/// The application reads what is there at a reload, so it must read again what was not.
#[test]
fn a_path_that_was_missing_at_a_reload_is_reloaded_once_it_is_back() {
    let dir = open_dir();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    plain_dir(&first, &[("a.conf", "0")]);
    plain_dir(&second, &[("b.conf", "0")]);
    let away = dir.path().join("away");
    let scene = Scene::with(&[&first, &second], |sidecar| sidecar);
    fs::rename(&first, &away).unwrap();
    fs::write(second.join("b.conf"), "1").unwrap();
    scene.expect_count(1);
    fs::rename(&away, &first).unwrap();
    scene.expect_count(2);
    // Without a reload in between, it is as it was.
    fs::rename(&first, &away).unwrap();
    fs::rename(&away, &first).unwrap();
    fs::write(second.join("b.conf"), "2").unwrap();
    scene.expect_count(3);
    scene.expect_no_more_than(3);
}
