//! A volume that is swapped for the sake of a key that does not count: a service-account token.

use std::path::Path;

use sidecar_testkit::kubelet::{Payload, Volume, payload};

use crate::support::{Files, files};
use crate::{Watched, events_only, resync};

fn keys(token: &str, text: &str) -> Payload {
    payload([("token", token), ("app.conf", text)])
}

fn visible(token: &str, text: &str) -> Files {
    files([("token", token), ("app.conf", text)])
}

fn projected(set: fn(crate::Builder) -> crate::Builder) -> (Watched, Volume) {
    let make = |conf: &Path| drop(Volume::create(conf, &keys("t1", "1")).unwrap());
    let watched = Watched::made_by(make, |_, sidecar| set(sidecar.env("IGNORE", "token")));
    let volume = Volume::open(&watched.conf).unwrap();
    (watched, volume)
}

fn write(volume: &Volume, token: &str, text: &str) {
    assert!(volume.write(&keys(token, text)).unwrap().renamed.is_some());
}

fn rotates(set: fn(crate::Builder) -> crate::Builder) {
    let (watched, volume) = projected(set);
    for token in ["t2", "t3", "t4"] {
        write(&volume, token, "1");
        watched.expect_quiet();
    }
    watched.notice(&visible("t4", "2"), || write(&volume, "t4", "2"));
    write(&volume, "t5", "2");
    watched.expect_quiet();
    watched.notice(&visible("t6", "3"), || write(&volume, "t6", "3"));
}

#[test]
fn a_rotated_token_is_no_signal_and_a_key_that_counts_is_one() {
    rotates(events_only);
}

#[test]
fn a_rotated_token_is_no_signal_at_a_resync_either() {
    rotates(resync);
}

#[test]
fn a_token_that_comes_or_goes_is_no_signal() {
    let (watched, volume) = projected(events_only);
    volume.write(&payload([("app.conf", "1")])).unwrap();
    watched.expect_quiet();
    write(&volume, "t2", "1");
    watched.expect_quiet();
    watched.notice(&visible("t2", "2"), || write(&volume, "t2", "2"));
}
