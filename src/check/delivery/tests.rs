use super::*;
use crate::check::problem::Severity;

fn target(handling: Handling) -> TargetFacts {
    let (pid, name) = (7, "nginx".to_owned());
    let (real_uid, saved_uid) = (Some(101), Some(101));
    TargetFacts { pid, name, real_uid, saved_uid, permitted: true, refusal: None, handling }
}

fn facts(guard: SignalGuard, target: TargetFacts) -> SignalFacts {
    SignalFacts {
        signal: "SIGHUP".to_owned(),
        guard: guard.name(),
        real_uid: 1000,
        effective_uid: 1000,
        cap_kill: false,
        targets: vec![target],
    }
}

#[test]
fn what_a_target_does_with_the_signal_by_the_table() {
    use SignalGuard::{Off, Wait};
    let wrong = |code| Some((code, Severity::Wrong));
    let warning = |code| Some((code, Severity::Warning));
    for (handling, guard, expected) in [
        (Handling::Caught, Wait, None),
        (Handling::Blocked, Wait, None),
        (Handling::Unguarded, Wait, None),
        (Handling::Default, Wait, wrong(Code::NotHandled)),
        (Handling::Default, Off, warning(Code::NotHandled)),
        (Handling::Ignored, Wait, warning(Code::SignalIgnored)),
        (Handling::Ignored, Off, warning(Code::SignalIgnored)),
        (Handling::Gone, Wait, wrong(Code::NoMatch)),
    ] {
        let problems = facts(guard, target(handling)).problems();
        let found = problems.first().map(|problem| (problem.code, problem.severity));
        assert_eq!((problems.len(), found), (usize::from(expected.is_some()), expected), "{handling:?}");
        let named = problems.iter().all(|problem| problem.subject == "pid 7 (nginx)");
        assert!(named, "{problems:?}");
    }
}

#[test]
fn a_refusal_tells_the_users_of_both_sides_and_both_mends() {
    let refusal = Refusal::NotPermitted { uid: 1000 }.to_string();
    let refused = TargetFacts { permitted: false, refusal: Some(refusal), ..target(Handling::Caught) };
    let problems = facts(SignalGuard::Wait, refused.clone()).problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let Problem { code, what, mend, .. } = &problems[0];
    assert_eq!(*code, Code::NotPermitted);
    assert_eq!(
        what,
        "cannot signal pid 7 (nginx) of user 101: EPERM: the kernel does not let user 1000 signal it, and the \
         sidecar has no CAP_KILL"
    );
    for part in ["runAsUser", "capability KILL (drop: [ALL], add: [KILL])"] {
        assert!(mend.contains(part), "{mend}");
    }
    let other = TargetFacts { saved_uid: Some(102), ..refused };
    let with = SignalFacts { cap_kill: true, ..facts(SignalGuard::Wait, other) };
    let what = &with.problems()[0].what;
    assert!(what.contains("of user 101, saved 102") && !what.contains("no CAP_KILL"), "{what}");
}

#[test]
fn both_a_refusal_and_a_missing_handler_are_told() {
    let refusal = Some(Refusal::NotPermitted { uid: 1 }.to_string());
    let both = TargetFacts { permitted: false, refusal, ..target(Handling::Default) };
    let codes: Vec<Code> =
        facts(SignalGuard::Wait, both).problems().iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::NotPermitted, Code::NotHandled]);
}

#[test]
fn users_and_capabilities_are_read() {
    assert_eq!(uids("Name:\tx\nUid:\t101\t102\t103\t104\n"), Some((101, 103)));
    for odd in ["", "Uid:\t1\t2\n", "Uid:\tx\t1\t2\t3\n", "xUid:\t1\t2\t3\t4\n"] {
        assert_eq!(uids(odd), None, "{odd:?}");
    }
    for (mask, expected) in
        [("0000000000000020", true), ("000001ffffffffff", true), ("00000000000000df", false), ("", false)]
    {
        assert_eq!(has_cap_kill(&format!("CapEff:\t{mask}\n")), expected, "{mask}");
    }
    assert!(!has_cap_kill("CapPrm:\t0000000000000020\n"));
}

#[test]
fn what_is_blocked_at_first_is_looked_at_again_where_there_is_patience() {
    use Verdict::{HoldBack, Send, Undecided};
    let looks = |patience, verdicts: &[Verdict]| {
        let mut verdicts = verdicts.iter().copied();
        decided(patience, || verdicts.next().ok_or_else(|| io::ErrorKind::NotFound.into())).ok()
    };
    assert_eq!(looks(true, &[Undecided, HoldBack]), Some(HoldBack));
    assert_eq!(looks(true, &[Undecided, Undecided, Send]), Some(Send));
    assert_eq!(looks(true, &[Undecided]), None, "it ended");
    assert_eq!(looks(true, &[Undecided; 99]), Some(Undecided), "it goes on");
    assert_eq!(looks(false, &[Undecided, HoldBack]), Some(Undecided));
    assert_eq!(looks(true, &[Send, HoldBack]), Some(Send));
}
