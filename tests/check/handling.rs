//! What the target does with the signal.

use sidecar_testkit::counter::Mode;

use crate::{Found, Pod, found};

/// What is found of a target that treats its signals so; none of them may come.
#[track_caller]
fn of(mode: Mode, settings: &[(&str, &str)]) -> (Pod, Found) {
    let pod = Pod::with(|target| target.mode(mode));
    let check = settings.iter().fold(pod.check(), |check, (name, value)| check.env(name, value));
    let found = found(check);
    assert_eq!(pod.target.signals().len(), 0, "a check signals nobody");
    (pod, found)
}

#[track_caller]
fn handling(found: &Found) -> &str {
    found.facts("signal")["targets"][0]["handling"].as_str().unwrap()
}

#[test]
fn a_handler_and_a_signalfd_are_fine() {
    for (mode, expected) in [(Mode::Catch, "caught"), (Mode::Signalfd, "blocked")] {
        let (_pod, found) = of(mode, &[]);
        found.ok();
        assert_eq!(handling(&found), expected);
    }
}

#[test]
fn no_handler_is_wrong_and_mended_by_a_signal_that_harms_nobody() {
    let (pod, wrong) = of(Mode::Default, &[]);
    let what =
        format!("{} has no handler for SIGHUP, which would kill or stop it: it is held back", pod.title());
    wrong.wrong("not-handled").what(&what).mend("set RELOAD_SIGNAL");
    assert_eq!(handling(&wrong), "default");
    let mended = found(pod.check().env("RELOAD_SIGNAL", "SIGWINCH"));
    mended.ok();
    assert_eq!(handling(&mended), "unguarded");
}

#[test]
fn without_the_guard_no_handler_is_a_warning() {
    let (_pod, found) = of(Mode::Default, &[("SIGNAL_GUARD", "off")]);
    found.warning("not-handled").mend("SIGNAL_GUARD=wait");
}

#[test]
fn an_ignored_signal_is_a_warning() {
    let (pod, found) = of(Mode::Ignore, &[]);
    found.warning("signal-ignored").what(&format!("{} ignores SIGHUP", pod.title()));
    assert_eq!(handling(&found), "ignored");
}
