//! Writes that stop half-way: the signal waits for the rest, but not for ever.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use sidecar_testkit::kubelet::{Order, Payload, Step, Volume, payload};

use crate::support::{Scene, files, open_dir};
use crate::{fence, in_both_orders, two_keys};

in_both_orders!(
    a_write_that_pauses_is_signalled_when_it_is_complete,
    a_write_that_ends_before_the_swap_is_no_signal,
    a_name_that_is_ignored_completes_the_volume_too,
);

/// Longer than any test.
const FOR_EVER: &str = "1h";

fn watching(path: &Path, max_wait: &str) -> Scene {
    Scene::with(&[path], |sidecar| sidecar.env("MAX_WAIT", max_wait))
}

fn a_write_that_pauses_is_signalled_when_it_is_complete(order: Order) {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap().order(order);
    let scene = watching(volume.path(), FOR_EVER);
    let mut count = 0;
    // Added and removed in turns, as one of the two links is made and the other removed.
    for next in [payload([("a.conf", "2"), ("c.conf", "2")]), two_keys()] {
        let renamed = volume.write_with(&next, |step| {
            if step != Step::OldRemoved && step != Step::LinksRemoved {
                scene.expect_no_more_than(count);
            }
            ControlFlow::Continue(())
        });
        assert!(renamed.unwrap().renamed.is_some());
        count += 1;
        scene.expect_payload(count, &next);
    }
    fence(&scene, &volume, &two_keys(), count + 1);
}

fn a_name_that_is_ignored_completes_the_volume_too(order: Order) {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap().order(order);
    let scene =
        Scene::with(&[volume.path()], |sidecar| sidecar.env("MAX_WAIT", FOR_EVER).env("IGNORE", "*.md"));
    let with_ignored = payload([("a.conf", "2"), ("b.conf", "1"), ("read.md", "1")]);
    let without = payload([("a.conf", "3"), ("b.conf", "1")]);
    write_with_pause(&scene, &volume, &with_ignored, (order == Order::LinksAfterSwap).then_some(0));
    scene.expect_payload(1, &with_ignored);
    write_with_pause(&scene, &volume, &without, Some(1));
    scene.expect_payload(2, &without);
    fence(&scene, &volume, &two_keys(), 3);
}

/// Long enough after the swap, nothing more than so many signals may have come.
#[track_caller]
fn write_with_pause(scene: &Scene, volume: &Volume, payload: &Payload, at_swap: Option<usize>) {
    let written = volume.write_with(payload, |step| {
        if let (Step::Swapped, Some(count)) = (step, at_swap) {
            scene.expect_no_more_than(count);
        }
        ControlFlow::Continue(())
    });
    assert!(written.unwrap().renamed.is_some());
}

#[test]
fn a_neighbour_of_a_single_key_completes_the_volume_too() {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap();
    let scene = watching(&volume.path().join("a.conf"), FOR_EVER);
    let with_neighbour = payload([("a.conf", "2"), ("b.conf", "1"), ("c.conf", "1")]);
    let without = payload([("a.conf", "3"), ("b.conf", "1")]);
    for (index, next) in [with_neighbour, without].iter().enumerate() {
        write_with_pause(&scene, &volume, next, Some(index));
        scene.expect_signal(index + 1, &files([("a.conf", (index + 2).to_string())]));
    }
    volume.write(&payload([("a.conf", "4"), ("b.conf", "1")])).unwrap();
    scene.expect_signal(3, &files([("a.conf", "4")]));
}

#[test]
fn a_write_that_never_goes_on_is_signalled_after_the_longest_wait() {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap();
    let scene = watching(volume.path(), "300ms");
    let next = payload([("a.conf", "2"), ("b.conf", "1"), ("c.conf", "2")]);
    let stop_at_swap = |step| match step {
        Step::Swapped => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    volume.write_with(&next, stop_at_swap).unwrap();
    scene.expect_signal(1, &files([("a.conf", "2"), ("b.conf", "1")]));
    // The kubelet's next sync mends the links.
    volume.write(&next).unwrap();
    scene.expect_payload(2, &next);
    fence(&scene, &volume, &next, 3);
}

fn a_write_that_ends_before_the_swap_is_no_signal(order: Order) {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap().order(order);
    let scene = watching(volume.path(), "200ms");
    let next = payload([("a.conf", "2"), ("b.conf", "2")]);
    let stop = |step| match step {
        Step::PayloadWritten => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    volume.write_with(&next, stop).unwrap();
    scene.expect_no_more_than(0);
    volume.write(&next).unwrap();
    scene.expect_payload(1, &next);
    fence(&scene, &volume, &next, 2);
}

#[test]
fn a_visible_link_mended_at_once_is_no_signal() {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap();
    let scene = watching(volume.path(), FOR_EVER);
    fs::remove_file(volume.path().join("a.conf")).unwrap();
    scene.expect_no_more_than(0);
    volume.write(&two_keys()).unwrap();
    scene.expect_no_more_than(0);
    fence(&scene, &volume, &two_keys(), 1);
}

#[test]
fn a_visible_link_missing_at_start_is_one_signal_when_it_is_mended() {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap();
    fs::remove_file(volume.path().join("a.conf")).unwrap();
    let scene = watching(volume.path(), FOR_EVER);
    volume.write(&two_keys()).unwrap();
    scene.expect_payload(1, &two_keys());
    fence(&scene, &volume, &two_keys(), 2);
}

#[test]
fn a_visible_link_missing_for_long_and_mended_is_one_signal_each() {
    let dir = open_dir();
    let volume = Volume::create(&dir.path().join("vol"), &two_keys()).unwrap();
    let scene = watching(volume.path(), "200ms");
    fs::remove_file(volume.path().join("a.conf")).unwrap();
    scene.expect_signal(1, &files([("b.conf", "1")]));
    volume.write(&two_keys()).unwrap();
    scene.expect_payload(2, &two_keys());
    fence(&scene, &volume, &two_keys(), 3);
}
