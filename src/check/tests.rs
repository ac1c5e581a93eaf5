use super::*;

fn healthy() -> Facts {
    let target = TargetFacts {
        pid: 7,
        name: "nginx".to_owned(),
        real_uid: Some(0),
        saved_uid: Some(0),
        permitted: true,
        refusal: None,
        handling: Handling::Caught,
    };
    Facts {
        watched_paths: vec![paths::tests::facts()],
        processes: ProcessFacts {
            name: Some("nginx".to_owned()),
            matches: vec![Match {
                pid: 7,
                name: "nginx".to_owned(),
                by: "argv[0]",
                chosen: true,
                why_not: None,
            }],
            ..ProcessFacts::default()
        },
        signal: SignalFacts {
            signal: "SIGHUP".to_owned(),
            guard: "wait",
            real_uid: 0,
            effective_uid: 0,
            cap_kill: true,
            targets: vec![target],
        },
        inotify: Some(InotifyFacts { can_watch: true, ..InotifyFacts::default() }),
        pid_namespace: NamespaceFacts { others: 1, ..NamespaceFacts::default() },
    }
}

fn without_target(facts: Facts) -> Facts {
    let processes = ProcessFacts { matches: Vec::new(), ..facts.processes };
    let signal = SignalFacts { targets: Vec::new(), ..facts.signal };
    Facts { processes, signal, ..facts }
}

fn codes(facts: &Facts) -> Vec<Code> {
    problems(facts).iter().map(|problem| problem.code).collect()
}

fn alone() -> NamespaceFacts {
    NamespaceFacts::default()
}

#[test]
fn nothing_is_wrong_with_a_healthy_pod() {
    assert_eq!(codes(&healthy()), []);
}

#[test]
fn alone_is_told_instead_of_no_match_and_of_a_pid_file_and_not_where_there_is_a_target() {
    let lost = without_target(healthy());
    assert_eq!(codes(&lost), [Code::NoMatch]);
    assert_eq!(codes(&Facts { pid_namespace: alone(), ..lost.clone() }), [Code::NoSharedPidNamespace]);
    let pid_file = ProcessFacts {
        pid_file: Some("/run/pid".to_owned()),
        pid_file_error: Some("PID file /run/pid is empty; x".to_owned()),
        ..lost.processes.clone()
    };
    let pid_file = Facts { processes: pid_file, ..lost.clone() };
    assert_eq!(codes(&pid_file), [Code::PidFile]);
    assert_eq!(codes(&Facts { pid_namespace: alone(), ..pid_file }), [Code::NoSharedPidNamespace]);
    // What started the sidecar can be the target.
    assert_eq!(codes(&Facts { pid_namespace: alone(), ..healthy() }), []);
}

#[test]
fn a_table_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let lost = without_target(healthy());
    let processes = ProcessFacts { table_error: Some("x; y".to_owned()), ..lost.processes.clone() };
    assert_eq!(codes(&Facts { processes, pid_namespace: alone(), ..lost }), [Code::NoProcessTable]);
}

#[test]
fn that_an_unreadable_path_cannot_be_watched_is_no_news() {
    let failed = |cause| {
        let failure = Some(Failure { cause, error: "x; y".to_owned() });
        Some(InotifyFacts { failure, ..InotifyFacts::default() })
    };
    let refused = Facts { inotify: failed(Cause::Refused), ..healthy() };
    assert_eq!(codes(&refused), [Code::NotWatchable]);
    let mut unreadable = refused;
    unreadable.watched_paths[0].readable = false;
    unreadable.watched_paths[0].unreadable = Some("/etc/app".to_owned());
    assert_eq!(codes(&unreadable), [Code::PathUnreadable]);
    assert_eq!(
        codes(&Facts { inotify: failed(Cause::Watches), ..unreadable }),
        [Code::PathUnreadable, Code::InotifyWatches]
    );
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    let mut raw = crate::settings::RawSettings::default();
    for (variable, value) in variables {
        let setting = crate::settings::SETTINGS.iter().find(|setting| setting.variable == *variable);
        raw.set(setting.unwrap(), *value);
    }
    Settings::try_from(&raw).unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn at_start_the_same_is_found_as_by_check_but_for_inotify() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let settings = settings(&[("CONFIG_DIR", path), ("PROCESS_NAME", "no-such-process-anywhere")]);
    let scope = Scope { ignore: &settings.ignore, recursive: false };
    let snapshot = Snapshot::read(dir.path(), scope, None, None).await.unwrap();
    let codes = |problems: &[Problem]| problems.iter().map(|problem| problem.code).collect::<Vec<_>>();
    // In a build's sandbox there may be nothing else that does not stand above the test.
    let mut other = std::process::Command::new("sleep").arg("100").spawn().unwrap();
    let at_start = codes(&problems_at_start(&settings, [&snapshot]));
    let findings = look(&settings).await;
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(at_start, [Code::PathEmpty, Code::NoMatch]);
    assert_eq!(codes(&findings.problems), at_start);
    assert!(!findings.ok && findings.facts.inotify.is_some());
}

#[test]
fn the_text_ends_with_what_is_wrong_or_with_who_would_be_signalled() {
    let findings = |facts: Facts| {
        let problems = problems(&facts);
        let ok = problems.iter().all(|problem| problem.severity != Severity::Wrong);
        Findings { ok, problems, facts }
    };
    let lines = findings(healthy()).lines();
    assert_eq!(lines.last().unwrap(), "OK: a change would be delivered now: SIGHUP to pid 7 (nginx)");
    let headings: Vec<&String> =
        lines.iter().filter(|line| !line.is_empty() && !line.starts_with(' ')).collect();
    assert_eq!(headings[..5], ["Watched paths", "Processes", "Signal", "inotify", "PID namespace"]);

    let lines = findings(without_target(healthy())).lines();
    let wrong = lines.iter().position(|line| line == "Wrong:").unwrap();
    assert!(lines[wrong + 1].starts_with("  1. no-match: no process is named \"nginx\""), "{lines:?}");
    assert!(lines[wrong + 2].starts_with("     mend: "), "{lines:?}");

    let mut ignoring = healthy();
    ignoring.signal.targets[0].handling = Handling::Ignored;
    let lines = findings(ignoring).lines();
    assert!(lines.iter().any(|line| line == "Warnings:") && lines.last().unwrap().starts_with("OK: "));
}
