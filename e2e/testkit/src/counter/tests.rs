//! The program as a user starts it.

use std::fs;
use std::process::{Command, Output, Stdio};

use super::*;
use crate::target::counter_binary;

fn run(args: &[&str]) -> Output {
    // The end of the standard input at once makes every run short.
    let mut command = Command::new(counter_binary());
    command.args(args).arg("--until-stdin-closes").stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_bad_option_is_one_line_and_status_2() {
    for args in [
        &["--nonsense"][..],
        &["word"],
        &["-x"],
        &["--workers"],
        &["--workers", "many"],
        &["--handler-delay", "-1"],
        &["--user", "root"],
        &["--ignore=yes"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with("sighup-counter: "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_file_that_cannot_be_written_is_status_1() {
    let output = run(&["--out", "/nowhere/file"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn records_go_to_the_standard_output() {
    let output = run(&[]);
    assert!(output.status.success());
    let records = parse_records(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(records[0].started().unwrap().role, Role::Main);
}

#[test]
fn records_are_appended_to_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    for runs in 1..=2 {
        let output = run(&["--out", out.to_str().unwrap()]);
        assert!(output.status.success() && output.stdout.is_empty());
        let records = parse_records(&fs::read_to_string(&out).unwrap());
        assert_eq!(records.iter().filter_map(Record::started).count(), runs);
    }
}

#[test]
fn every_flag_sets_its_option() {
    let flags = "--read a --read b --out c --signalfd --handler-delay 1 --workers 2 \
        --worker-title d --comm e --title f --user 3:4 --shell-parent --program g --threads 5 \
        --exit-after 6 --until-stdin-closes";
    let expected = Options {
        read: vec!["a".into(), "b".into()],
        out: Some("c".into()),
        mode: Mode::Signalfd,
        handler_delay_ms: 1,
        workers: 2,
        worker_title: Some("d".to_owned()),
        comm: Some("e".to_owned()),
        title: Some("f".to_owned()),
        user: Some(User { uid: 3, gid: 4 }),
        shell_parent: true,
        program: Some("g".into()),
        threads: 5,
        exit_after_ms: Some(6),
        until_stdin_closes: true,
        ..Options::default()
    };
    assert_eq!(Options::parse(flags.split_whitespace().map(OsString::from)).unwrap(), expected);
    for (flag, mode) in [("--ignore", Mode::Ignore), ("--no-handler", Mode::Default)] {
        assert_eq!(Options::parse([flag.into()]).unwrap().mode, mode);
    }
    let user = Options::parse(["--user=7".into()]).unwrap().user;
    assert_eq!(user, Some(User { uid: 7, gid: 7 }));
}

#[test]
fn signals_go_to_one_process_only() {
    for pid in [0, -1, -7] {
        let error = send(pid, 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    send(std::process::id().cast_signed(), 0).unwrap();
}
