use super::*;
use crate::process::StartTime;

const OWN: i32 = 99;

fn process(pid: i32, parent: i32, name: &str) -> Process {
    Process {
        pid,
        parent: (parent > 0).then_some(parent),
        comm: name.chars().take(COMM_LENGTH).collect::<String>().into(),
        arguments: vec![format!("/bin/{name}").into()],
        started: Some(StartTime::from_ticks(u64::try_from(pid).unwrap())),
        ..Process::default()
    }
}

fn spec(name: &str) -> TargetSpec {
    TargetSpec { name: Some(name.to_owned()), pid_file: None }
}

fn facts(name: &str, mode: ProcessSelect, table: &[Process]) -> (ProcessFacts, Vec<i32>) {
    let mut facts = ProcessFacts::new(&spec(name), mode);
    let chosen = facts.by_name(table, mode, OWN);
    (facts, chosen.iter().map(|process| process.pid).collect())
}

fn nginx_pod() -> Vec<Process> {
    let mut table = vec![process(1, 0, "pause"), process(7, 0, "nginx"), process(8, 7, "nginx")];
    table.push(Process { zombie: true, arguments: Vec::new(), ..process(9, 1, "nginx") });
    table.push(process(OWN, 0, "config-reloader-sidecar"));
    table
}

#[test]
fn each_match_says_why_and_each_near_miss_why_not() {
    let (facts, chosen) = facts("nginx", ProcessSelect::Root, &nginx_pod());
    assert_eq!(chosen, [7]);
    let matches: Vec<_> = facts.matches.iter().map(|found| (found.pid, found.by, found.why_not)).collect();
    let above = "a process above it matches (PROCESS_SELECT=root)";
    assert_eq!(matches, [(7, "argv[0]", None), (8, "argv[0]", Some(above))]);
    let misses: Vec<_> = facts.near_misses.iter().map(|miss| (miss.pid, miss.why_not)).collect();
    assert_eq!(misses, [(9, "it has ended, and its parent does not reap it (zombie)")]);
    assert_eq!(facts.problems(), None);
    assert_eq!(facts.select, "root");
}

#[test]
fn each_mode_says_why_a_match_is_no_target() {
    let table = [process(7, 0, "app"), process(8, 0, "app")];
    for (mode, chosen, why_not) in [
        (ProcessSelect::Root, vec![7, 8], None),
        (ProcessSelect::All, vec![7, 8], None),
        (ProcessSelect::Oldest, vec![7], Some("another match is older (PROCESS_SELECT=oldest)")),
        (ProcessSelect::Newest, vec![8], Some("another match is newer (PROCESS_SELECT=newest)")),
    ] {
        let (facts, pids) = facts("app", mode, &table);
        assert_eq!(pids, chosen);
        assert_eq!(facts.matches.iter().find_map(|found| found.why_not), why_not);
    }
}

#[test]
fn near_misses_by_the_table() {
    let long = "a-name-of-20-letters";
    let only_cut = Process { arguments: vec!["x".into()], ..process(5, 0, long) };
    let ended = Process { zombie: true, ..process(5, 0, "App") };
    let table: [(&str, Process, Option<&str>); 7] = [
        ("app", process(OWN, 0, "app"), Some("it is the sidecar itself")),
        ("app", process(5, 0, "APP"), Some("upper and lower case differ")),
        ("app", ended, None),
        ("app", process(5, 0, "apple"), None),
        (long, only_cut, Some("only its first 15 bytes are the same, and")),
        (long, process(5, 0, long), None),
        ("config-reloader-sidecar2", process(OWN, 0, "config-reloader-sidecar"), None),
    ];
    for (name, process, expected) in table {
        let (facts, _) = facts(name, ProcessSelect::Root, std::slice::from_ref(&process));
        let found = facts.near_misses.first().map(|miss| miss.why_not);
        assert_eq!(found.is_some(), expected.is_some(), "{name} on {process:?}: {found:?}");
        assert!(found.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{found:?}");
    }
}

#[test]
fn no_match_names_those_that_are_there() {
    let (facts, chosen) = facts("ngnix", ProcessSelect::Root, &nginx_pod());
    assert_eq!(chosen, [0; 0]);
    let problem = facts.problems().unwrap();
    assert_eq!((problem.code, &*problem.subject), (Code::NoMatch, "ngnix"));
    let what = "no process is named \"ngnix\"; there are: nginx (pids 7, 8), pause (pid 1)";
    assert_eq!(problem.what, what);
    assert_eq!(problem.mend, "set PROCESS_NAME=nginx if that is the one, else start the process");
}

#[test]
fn no_match_tells_of_the_near_miss_and_guesses_nothing_wild() {
    let kernels = Process { arguments: Vec::new(), ..process(2, 0, "javad") };
    let mut table = vec![process(1, 0, "pause"), kernels];
    let problem = |table: &[Process]| facts("java", ProcessSelect::Root, table).0.problems().unwrap();
    assert_eq!(problem(&table).mend, "correct PROCESS_NAME, or start the process");
    table.push(Process { zombie: true, ..process(4, 1, "java") });
    let what = problem(&table).what;
    assert!(what.contains("java (pid 4) is none, because it has ended"), "{what}");
    assert!(problem(&[]).what.ends_with("there are: no other"));
}

#[test]
fn many_pids_of_a_name_are_cut_short() {
    let named = Named { name: "app".to_owned(), pids: vec![1, 2, 3, 4], likely: true };
    assert_eq!(named.to_string(), "app (pids 1, 2, 3, …)");
}

#[test]
fn a_table_that_cannot_be_read_comes_before_no_match() {
    let error = crate::process::NoTarget::Table(std::io::ErrorKind::NotFound.into()).to_string();
    let facts = ProcessFacts { table_error: Some(error), ..ProcessFacts::default() };
    let problem = facts.problems().unwrap();
    assert_eq!((problem.code, &*problem.mend), (Code::NoProcessTable, "/proc must be mounted"));
}

#[test]
fn a_pid_file_is_told_by_its_error_and_never_names_a_sidecar() {
    let path = Path::new("/run/app.pid");
    let spec = TargetSpec { name: None, pid_file: Some(path.to_owned()) };
    let new = || ProcessFacts::new(&spec, ProcessSelect::Root);
    let own = i32::try_from(std::process::id()).unwrap();
    let target = || {
        let any = TargetSpec { name: None, pid_file: None };
        let table = crate::process::table().unwrap();
        crate::process::pin(table.iter().find(|process| process.pid == own).unwrap(), &any).unwrap()
    };
    let mut facts = new();
    assert!(facts.by_pid_file(path, Ok(target()), |_| false).is_some());
    assert_eq!((facts.matches[0].by, facts.problems()), ("PID file", None));

    let mut facts = new();
    assert!(facts.by_pid_file(path, Ok(target()), |pid| pid == own).is_none());
    let problem = facts.problems().unwrap();
    assert_eq!((problem.code, &*problem.subject), (Code::PidFile, "/run/app.pid"));
    assert!(problem.what.contains("the sidecar's own PID"), "{problem:?}");

    let mut facts = new();
    let other = PidFileError::OtherName { path: path.to_owned(), pid: 7, name: "x".to_owned() };
    facts.by_pid_file(path, Err(other), |_| false);
    assert_eq!(facts.problems().unwrap().mend, "correct PROCESS_PID_FILE or PROCESS_NAME");
}

#[test]
fn a_target_that_ended_meanwhile_is_none() {
    let (mut facts, _) = facts("nginx", ProcessSelect::All, &nginx_pod());
    facts.ended(|pid| pid == 8);
    let chosen: Vec<_> = facts.matches.iter().map(|found| (found.pid, found.chosen)).collect();
    assert_eq!(chosen, [(7, false), (8, true)]);
    assert!(facts.has_target());
    facts.ended(|_| false);
    assert_eq!(facts.problems().unwrap().code, Code::NoMatch);
}
