//! What the kubelet does to the keys of a volume.

use sidecar_testkit::kubelet::{Order, Payload, Volume, payload};
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Scene, WakeUps, digest_of, open_dir};
use crate::{Watched, fence, in_both_orders, two_keys};

in_both_orders!(
    a_changed_key_is_one_signal,
    an_added_key_is_one_signal,
    a_removed_key_is_one_signal,
    a_renamed_key_is_one_signal,
    all_keys_replaced_are_one_signal,
    a_volume_emptied_and_filled_is_one_signal_each,
    a_changed_key_with_a_path_is_one_signal,
    an_added_key_with_a_path_is_one_signal,
    a_change_with_a_group_set_is_one_signal,
    a_sync_without_change_is_no_signal_and_no_wake_up,
    a_sync_that_sets_the_group_again_is_no_signal,
    two_changes_at_once_end_with_the_last,
    a_volume_filled_for_the_first_time_is_one_signal,
    each_of_many_changes_is_one_signal,
    changes_without_a_pause_are_signalled_only_when_whole,
);

fn a_changed_key_is_one_signal(order: Order) {
    Watched::new(order).expect_one_signal(&payload([("a.conf", "2"), ("b.conf", "1")]));
}

fn an_added_key_is_one_signal(order: Order) {
    Watched::new(order).expect_one_signal(&payload([("a.conf", "1"), ("b.conf", "1"), ("c.conf", "1")]));
}

fn a_removed_key_is_one_signal(order: Order) {
    Watched::new(order).expect_one_signal(&payload([("a.conf", "1")]));
}

fn a_renamed_key_is_one_signal(order: Order) {
    Watched::new(order).expect_one_signal(&payload([("a.conf", "1"), ("c.conf", "1")]));
}

fn all_keys_replaced_are_one_signal(order: Order) {
    Watched::new(order).expect_one_signal(&payload([("c.conf", "2"), ("d.conf", "2"), ("e.conf", "2")]));
}

fn a_volume_emptied_and_filled_is_one_signal_each(order: Order) {
    let watched = Watched::new(order);
    let empty = payload::<&str, &str>([]);
    watched.volume.write(&empty).unwrap();
    watched.scene.expect_payload(1, &empty);
    watched.volume.write(&two_keys()).unwrap();
    watched.scene.expect_payload(2, &two_keys());
    watched.fence(&two_keys(), 3);
}

fn a_changed_key_with_a_path_is_one_signal(order: Order) {
    let dir = open_dir();
    let before = payload([("a.conf", "1"), ("conf.d/b.conf", "1")]);
    let volume = Volume::create(&dir.path().join("vol"), &before).unwrap().order(order);
    let scene = Scene::watching(volume.path());
    let after = payload([("a.conf", "1"), ("conf.d/b.conf", "2")]);
    volume.write(&after).unwrap();
    scene.expect_payload(1, &after);
    fence(&scene, &volume, &after, 2);
}

fn an_added_key_with_a_path_is_one_signal(order: Order) {
    let watched = Watched::new(order);
    watched.expect_one_signal(&payload([("a.conf", "1"), ("b.conf", "1"), ("conf.d/c.conf", "1")]));
    // Its directory has its visible link already.
    let second = payload([("a.conf", "1"), ("conf.d/c.conf", "1"), ("conf.d/d.conf", "1")]);
    watched.volume.write(&second).unwrap();
    watched.scene.expect_payload(3, &second);
    watched.fence(&second, 4);
}

fn a_change_with_a_group_set_is_one_signal(order: Order) {
    let mut watched = Watched::new(order);
    watched.volume = watched.volume.fs_group(group());
    watched.expect_one_signal(&payload([("a.conf", "2"), ("b.conf", "1"), ("c.conf", "1")]));
}

fn a_sync_without_change_is_no_signal_and_no_wake_up(order: Order) {
    let watched = Watched::new(order);
    let before = WakeUps::when_idle(watched.scene.sidecar.pid());
    for _ in 0..50 {
        let swap = watched.volume.write(&two_keys()).unwrap();
        assert_eq!(swap.renamed, None);
    }
    watched.scene.expect_no_more_than(0);
    assert_eq!(WakeUps::of(watched.scene.sidecar.pid()), before);
    watched.fence(&two_keys(), 1);
}

fn a_sync_that_sets_the_group_again_is_no_signal(order: Order) {
    let mut watched = Watched::new(order);
    watched.volume = watched.volume.fs_group(group());
    watched.volume.write(&two_keys()).unwrap();
    watched.scene.expect_no_more_than(0);
    watched.fence(&two_keys(), 1);
}

fn two_changes_at_once_end_with_the_last(order: Order) {
    let watched = Watched::new(order);
    let last = payload([("b.conf", "3"), ("c.conf", "3")]);
    watched.volume.write(&payload([("a.conf", "2"), ("b.conf", "2")])).unwrap();
    watched.volume.write(&last).unwrap();
    // Whether the first was seen before the second came is the scheduler's choice, and so is whether the target
    // takes the first signal before the second is sent, and the kernel makes one of both.
    let sent = watched.scene.wait_for_current(&[watched.volume.path()]);
    assert!((1..=2).contains(&sent), "{sent} signals for two changes");
    let received = received_for(&watched.scene, &last);
    assert!((1..=sent).contains(&received), "{received} of {sent} signals");
    watched.volume.write(&two_keys()).unwrap();
    assert_eq!(received_for(&watched.scene, &two_keys()), received + 1);
    // The log is written after the signal is out.
    let lines = watched.scene.sidecar.wait_for_log_lines(" sent signal=", sent + 1, DEADLINE);
    assert_eq!(lines.len(), sent + 1);
}

/// Waits until the target got a signal and could read this; gives the number of all its signals.
#[track_caller]
fn received_for(scene: &Scene, payload: &Payload) -> usize {
    let expected: Vec<(String, String)> = payload
        .iter()
        .map(|(key, content)| (key.clone(), String::from_utf8(content.clone()).unwrap()))
        .collect();
    wait::until(DEADLINE, "a signal for the last payload", || {
        let signals = scene.target.signals();
        let read: Vec<(String, String)> = signals.last()?.files.clone().into_iter().collect();
        (read == expected).then_some(signals.len())
    })
}

fn a_volume_filled_for_the_first_time_is_one_signal(order: Order) {
    let dir = open_dir();
    let volume = Volume::open(dir.path()).unwrap().order(order);
    let scene = Scene::watching(dir.path());
    volume.write(&two_keys()).unwrap();
    scene.expect_payload(1, &two_keys());
    fence(&scene, &volume, &two_keys(), 2);
}

fn each_of_many_changes_is_one_signal(order: Order) {
    let watched = Watched::new(order);
    for count in 1..=40 {
        let added = format!("key-{}", count % 3);
        let next = payload([("a.conf".to_owned(), count.to_string()), (added, "1".to_owned())]);
        watched.volume.write(&next).unwrap();
        watched.scene.expect_payload(count, &next);
    }
    watched.fence(&two_keys(), 41);
}

/// The target reads late here, so that what counts is which configuration the sidecar saw.
fn changes_without_a_pause_are_signalled_only_when_whole(order: Order) {
    let dir = open_dir();
    let [one, other] =
        [payload([("a.conf", "1"), ("b.conf", "1")]), payload([("a.conf", "2"), ("c.conf", "2")])];
    let volume = Volume::create(&dir.path().join("vol"), &one).unwrap().order(order);
    let first = digest_of(&[volume.path()]);
    let scene = Scene::with(&[volume.path()], |sidecar| sidecar.env("MAX_WAIT", "1h"));
    for _ in 0..200 {
        volume.write(&other).unwrap();
        volume.write(&one).unwrap();
    }
    volume.write(&other).unwrap();
    let count = scene.wait_for_current(&[volume.path()]);
    let last = digest_of(&[volume.path()]);
    let torn = |line: &String| !line.contains(&first) && !line.contains(&last);
    let torn: Vec<String> = scene.sidecar.log_lines(" sent signal=").into_iter().filter(torn).collect();
    assert!(torn.is_empty(), "{} of {count} signals were for neither configuration: {torn:#?}", torn.len());
    assert!(count <= 401, "{count} signals for 401 changes");
}

/// A group that files can be given to.
fn group() -> u32 {
    if crate::support::is_root() { 2000 } else { nix::unistd::getegid().as_raw() }
}
