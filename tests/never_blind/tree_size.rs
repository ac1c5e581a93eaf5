//! A large tree.

use std::fs;

use sidecar_testkit::kubelet::Payload;

use crate::support::{WakeUps, plain_dir};
use crate::{Watched, events_only, process, tell};

const DIRECTORIES: usize = 50;
const FILES_EACH: usize = 100;

/// In KiB.
const MOST_MORE: i64 = 4 << 10;

#[test]
fn five_thousand_files_in_fifty_directories_are_watched_in_little_memory() {
    let watched = Watched::with(|sidecar| events_only(sidecar.env("RECURSIVE", "true")));
    let pid = watched.sidecar_pid();
    watched.notice_edit("2");
    WakeUps::when_idle(pid);
    let before = process::resident(pid);
    let tree = watched.beside("tree");
    for directory in 0..DIRECTORIES {
        // Half of them in another.
        let above = if directory % 2 == 1 { format!("d{}", directory - 1) } else { String::new() };
        let dir = tree.join(above).join(format!("d{directory}"));
        plain_dir(&dir, &[]);
        for file in 0..FILES_EACH {
            fs::write(dir.join(format!("{file}.conf")), format!("{directory} {file}")).unwrap();
        }
    }
    let came = watched.notice_any(|| fs::rename(&tree, watched.path("tree")).unwrap());
    assert_eq!(came.files.len(), 1 + DIRECTORIES * FILES_EACH);
    for round in 0..10 {
        let edited = "tree/d48/d49/99.conf";
        let signal = watched.notice_any(|| fs::write(watched.path(edited), round.to_string()).unwrap());
        assert_eq!(signal.files[edited], round.to_string());
    }
    WakeUps::when_idle(pid);
    let after = process::resident(pid);
    tell(&format!("{before} KiB without the tree, {after} KiB with it"));
    assert!(after - before < MOST_MORE, "{before} KiB became {after} KiB");
    watched.expect_quiet();
    watched.notice_any(|| fs::write(watched.path("tree/d0/d1/0.conf"), "fence").unwrap());
}

/// What a volume may hold at the most is next to nothing.
#[test]
fn a_volume_with_many_keys_is_one_signal_an_update() {
    use sidecar_testkit::kubelet::Volume;
    let keys = |text: &str| -> Payload {
        (0..500).map(|key| (format!("{key}.conf"), format!("{key} {text}").into())).collect()
    };
    let make = |conf: &std::path::Path| drop(Volume::create(conf, &keys("1")).unwrap());
    let watched = Watched::made_by(make, |_, sidecar| events_only(sidecar));
    let volume = Volume::open(&watched.conf).unwrap();
    for text in ["2", "3", "4"] {
        watched.notice_any(|| {
            volume.write(&keys(text)).unwrap();
        });
    }
    watched.expect_quiet();
    watched.notice_any(|| {
        volume.write(&keys("5")).unwrap();
    });
}
