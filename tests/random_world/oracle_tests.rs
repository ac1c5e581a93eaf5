//! The oracle itself, on made-up observations: it accepts what keeps the promises, and each law can be broken.

use std::path::PathBuf;

use sidecar_testkit::clock::Nanos;

use crate::observed::{Action, Effect, Observed, Read};
use crate::oracle::{Law, MILLI, Verdict, judge};
use crate::support::files;
use crate::view::{Entry, View, Views};
use crate::world::{Millis, Settings};

const SETTINGS: Settings = Settings {
    quiet: 300,
    max_wait: 2000,
    resync: 0,
    recursive: false,
    ignore: true,
    user: false,
    fs_group: false,
    links_first: false,
    mounts: false,
};

/// When the first burst begins.
const START: Nanos = 1_000_000 * MILLI;

/// A watched directory with this text in `a.conf`.
fn holds(text: &str) -> Views {
    vec![View::Directory([("a.conf".to_owned(), Entry::File(text.to_owned()))].into())]
}

/// A burst on a directory that held `old`, whose last reload is the right one.
fn burst(actions: &[Action], reads: &[(Millis, &str)]) -> Observed {
    let read = |(at, text): &(Millis, &str)| {
        let at = START + at * MILLI;
        Read { at, by: at + MILLI, files: files([("a.conf", *text)]) }
    };
    let digest = |(_, text): &(Millis, &str)| format!("digest={text}");
    Observed {
        start: holds("old"),
        actions: actions.to_vec(),
        reads: reads.iter().map(read).collect(),
        digests: ["digest=old".to_owned()].into_iter().chain(reads.iter().map(digest)).collect(),
        fresh_digest: Some(reads.last().map_or("digest=old".to_owned(), digest)),
        stall: 0,
    }
}

/// An action after which the directory holds `text`, begun after so many milliseconds.
fn action(at: Millis, effect: Effect, text: &str) -> Action {
    let start = START + at * MILLI;
    let (label, after) = (String::new(), holds(text));
    Action { label, start, end: start + MILLI, planned_gap: at, effect, after, finished: true }
}

fn write(at: Millis, text: &str) -> Action {
    action(at, Effect::Ordinary, text)
}

/// A write of a writer that is not through.
fn piece(at: Millis, text: &str) -> Action {
    Action { finished: false, ..write(at, text) }
}

fn verdict(observed: &Observed) -> Verdict {
    judge(observed, &SETTINGS, &[PathBuf::from("/conf")])
}

#[track_caller]
fn expect_kept(observed: &Observed) {
    let verdict = verdict(observed);
    assert!(verdict.violations.is_empty() && verdict.strict, "{verdict:?}");
}

#[track_caller]
fn expect_broken(law: Law, observed: &Observed) {
    let verdict = verdict(observed);
    assert!(verdict.violations.iter().any(|broken| broken.law == law), "{verdict:?}");
}

#[test]
fn a_burst_with_one_reload_keeps_the_promises() {
    expect_kept(&burst(&[write(0, "1"), write(50, "2")], &[(355, "2")]));
}

#[test]
fn a_second_reload_of_one_burst_breaks_once() {
    expect_broken(Law::Once, &burst(&[write(0, "1"), write(50, "2")], &[(20, "1"), (355, "2")]));
}

#[test]
fn two_bursts_beyond_the_quiet_period_may_be_two_reloads() {
    expect_kept(&burst(&[write(0, "1"), write(500, "2")], &[(305, "1"), (805, "2")]));
}

#[test]
fn a_writer_that_has_the_file_open_is_one_burst_whatever_the_gaps() {
    let close = action(900, Effect::Close, "12");
    let actions = [piece(0, "1"), piece(500, "12"), close];
    expect_kept(&burst(&actions, &[(1205, "12")]));
    expect_broken(Law::Once, &burst(&actions, &[(305, "1"), (1205, "12")]));
}

#[test]
fn a_slow_writer_that_ends_where_it_began_may_be_two_reloads() {
    let written = [piece(0, ""), piece(600, "o"), piece(1200, "ol"), piece(1900, "ol")];
    let observed = burst(
        &[&written[..], &[action(2300, Effect::Close, "old")]].concat(),
        &[(2000, "ol"), (2605, "old")],
    );
    expect_kept(&observed);
}

#[test]
fn a_writer_that_is_slower_than_max_wait_may_be_two_reloads() {
    let close = action(2500, Effect::Close, "12");
    expect_kept(&burst(&[piece(0, "1"), piece(2500, "12"), close], &[(2005, "1"), (2805, "12")]));
}

#[test]
fn each_swap_may_be_a_reload_and_one_that_joins_a_burst_may_not() {
    let swap = |at, text| action(at, Effect::Swap, text);
    expect_kept(&burst(&[swap(0, "1"), swap(50, "2")], &[(2, "1"), (52, "2")]));
    let joined = [write(0, "1"), swap(50, "2")];
    expect_broken(Law::Once, &burst(&joined, &[(60, "2"), (305, "2")]));
}

#[test]
fn what_is_written_right_after_a_swap_may_be_in_its_reload() {
    let swap = action(0, Effect::Swap, "1");
    expect_kept(&burst(&[swap.clone(), write(2, "2")], &[(5, "1"), (10, "2")]));
    let late = burst(&[swap, write(100, "2")], &[(5, "1"), (105, "2"), (405, "3")]);
    expect_broken(Law::Once, &late);
}

#[test]
fn what_is_written_to_a_mount_that_no_resync_has_found_may_settle_at_any_time() {
    let actions = [action(0, Effect::Unseen, "1"), piece(50, "2"), write(900, "3")];
    expect_kept(&burst(&actions, &[(100, "2"), (1205, "3")]));
}

#[test]
fn the_pause_of_an_act_makes_no_second_reload() {
    let actions = [action(0, Effect::Midway, "1"), action(400, Effect::Swap, "2")];
    expect_broken(Law::Once, &burst(&actions, &[(310, "1"), (405, "2")]));
}

#[test]
fn a_reload_without_a_change_breaks_quiet() {
    expect_kept(&burst(&[write(0, "old")], &[]));
    expect_broken(Law::Quiet, &burst(&[write(0, "old")], &[(305, "old")]));
}

#[test]
fn a_change_that_is_taken_back_within_the_quiet_period_is_no_reload() {
    let actions = [write(0, "1"), write(50, "old")];
    expect_kept(&burst(&actions, &[]));
    expect_broken(Law::Quiet, &burst(&actions, &[(355, "old")]));
}

#[test]
fn two_reloads_of_the_same_digest_break_quiet() {
    let mut observed = burst(&[write(0, "1"), write(500, "2")], &[(305, "1"), (805, "2")]);
    observed.digests[1] = observed.digests[2].clone();
    expect_broken(Law::Quiet, &observed);
}

#[test]
fn a_missing_reload_breaks_delivered() {
    expect_broken(Law::Delivered, &burst(&[write(0, "1")], &[]));
}

#[test]
fn a_last_reload_for_another_state_breaks_delivered() {
    expect_broken(Law::Delivered, &burst(&[write(0, "1"), write(500, "2")], &[(305, "1")]));
}

#[test]
fn another_digest_than_that_of_a_fresh_sidecar_breaks_delivered() {
    let mut observed = burst(&[write(0, "1")], &[(305, "1")]);
    observed.fresh_digest = Some("digest=other".to_owned());
    expect_broken(Law::Delivered, &observed);
}

#[test]
fn a_late_reload_breaks_in_time() {
    expect_broken(Law::InTime, &burst(&[write(0, "1")], &[(2500, "1")]));
    let soon_after_a_signal =
        |written| burst(&[write(0, "1"), write(written, "2")], &[(305, "1"), (6305, "2")]);
    expect_kept(&soon_after_a_signal(345));
    expect_broken(Law::InTime, &soon_after_a_signal(600));
}

#[test]
fn a_half_written_read_breaks_complete() {
    let close = action(600, Effect::Close, "12");
    let observed = burst(&[piece(0, "1"), piece(500, "12"), close], &[(305, "1"), (905, "12")]);
    expect_broken(Law::Complete, &observed);
}

#[test]
fn a_read_that_an_action_may_have_disturbed_is_not_compared() {
    // The signal was on its way for the first write when the second began.
    let close = action(700, Effect::Close, "12");
    let observed = burst(&[write(0, "0"), piece(290, "1"), close], &[(310, "1"), (1005, "12")]);
    let verdict = verdict(&observed);
    assert_eq!((verdict.judged_reads, verdict.other_reads), (1, 1));
}

#[test]
fn a_missing_path_is_no_change_until_it_returns() {
    let mut gone = write(0, "old");
    gone.after = vec![View::Missing];
    expect_kept(&burst(&[gone.clone()], &[]));
    expect_kept(&burst(&[gone.clone(), write(50, "old")], &[]));
    expect_broken(Law::Quiet, &burst(&[gone], &[(305, "old")]));
}

#[test]
fn where_a_thread_had_to_wait_each_action_may_be_a_reload() {
    let mut observed = burst(&[write(0, "1"), write(50, "2")], &[(20, "1"), (355, "2")]);
    observed.stall = 100 * MILLI;
    let verdict = verdict(&observed);
    assert!(verdict.violations.is_empty() && !verdict.strict, "{verdict:?}");
}

#[test]
fn the_return_of_a_path_that_was_missing_at_the_last_reload_is_a_change() {
    let returned =
        |reads: &[(Millis, &str)]| Observed { start: vec![View::Missing], ..burst(&[write(0, "1")], reads) };
    expect_kept(&returned(&[(305, "1")]));
    expect_broken(Law::Delivered, &returned(&[]));
    let mut gone = write(500, "old");
    gone.after = vec![View::Missing];
    let observed = burst(&[write(0, "1"), gone], &[(305, "1")]);
    assert_eq!(observed.delivered(), holds("1"), "it went after the reload");
    let mut late = observed.clone();
    late.reads[0].at = START + 805 * MILLI;
    assert_eq!(late.delivered(), [View::Missing]);
}
