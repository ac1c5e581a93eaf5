use super::*;
use sidecar_testkit::wait;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(in crate::process) fn until<T>(look: impl FnMut() -> Option<T>) -> T {
    wait::try_until(Duration::from_secs(20), look).unwrap()
}

const REST: &str = "S 5 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";

#[test]
fn fields_are_found_behind_any_name() {
    for name in ["app", "a b", "a) S 1 (b", "))", "(", ""] {
        let process = parse_stat(7, format!("7 ({name}) {REST}").as_bytes()).unwrap().process;
        let expected = Process {
            pid: 7,
            parent: Some(5),
            comm: name.into(),
            started: Some(StartTime::from_ticks(12345)),
            ..Process::default()
        };
        assert_eq!(process, expected);
    }
}

#[test]
fn a_parent_outside_and_a_zombie_are_told() {
    let stat = parse_stat(7, format!("7 (app) {}", REST.replace("S 5", "Z 0")).as_bytes()).unwrap();
    assert!(stat.process.parent.is_none() && stat.process.zombie);
}

#[test]
fn a_process_whose_first_thread_ended_is_no_zombie_while_others_run() {
    for (threads, is_zombie) in [("1", true), ("2", false), ("17", false)] {
        let rest = REST.replace("S 5", "Z 5").replace("20 0 1 0 12345", &format!("20 0 {threads} 0 12345"));
        let stat = parse_stat(7, format!("7 (app) {rest}").as_bytes()).unwrap();
        assert_eq!(stat.process.zombie, is_zombie, "{threads} threads");
    }
}

#[test]
fn an_argument_keeps_its_place_and_zeros_behind_a_title_are_none() {
    let table: [(&[u8], &[&str]); 5] = [
        (b"", &[]),
        (b"\0", &[]),
        (b"a\0b\0", &["a", "b"]),
        (b"\x00sleep\x0050\0", &["", "sleep", "50"]),
        (b"title of it\0\0\0\0", &["title of it"]),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (text, expected) in table {
        let path = dir.path().join("cmdline");
        fs::write(&path, text).unwrap();
        let mut buffer = [0; MOST_ARGUMENTS];
        let found: Vec<_> = arguments(&File::open(path).unwrap(), &mut buffer).unwrap().collect();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn what_is_no_stat_is_no_process() {
    for text in ["", "7 (app) S 1", "7 (app", ") 7 (", "7 (app) S x 1"] {
        assert!(parse_stat(7, text.as_bytes()).is_none(), "{text}");
    }
    assert!(read(i32::MAX).is_err());
}

#[test]
fn handlers_are_read_bit_by_bit_and_of_standard_signals_only() {
    let catches = |mask: &str, signal| {
        let rest = format!("{REST} 0 0 0 4711 0 0 0 0 0 {mask} 0");
        let stat = parse_stat(7, format!("7 (app) {rest}").as_bytes()).unwrap();
        assert_eq!(stat.stack, 4711);
        stat.catches(signal)
    };
    for signal in 1..32 {
        let mask = (1_u64 << (signal - 1)).to_string();
        let caught: Vec<i32> = (-1..70).filter(|other| catches(&mask, *other)).collect();
        assert_eq!(caught, [signal]);
    }
    assert!(!catches("x", 1) && !catches("", 1), "what is not told is not taken for a handler");
}

/// A shell that waits for a line, and becomes `sleep` then.
fn becomes_sleep() -> (Child, Held) {
    let mut shell = Command::new("sh");
    let child = shell.args(["-c", "read _; exec sleep 60"]).stdin(Stdio::piped()).spawn().unwrap();
    let pid = pid_of(&child);
    // In the middle of an `execve` it has no arguments yet.
    let held = until(|| Held::open(pid).ok().filter(|held| held.process.arguments.len() == 3));
    (child, held)
}

fn held_stat(child: &Child) -> Stat {
    StatFile::open(pid_of(child)).unwrap().read().unwrap()
}

pub(in crate::process) fn pid_of(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap()
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_held_stays_that_process_and_tells_of_its_end() {
    let (mut child, held) = becomes_sleep();
    assert!(held.unchanged().is_some_and(|now| held.is_same_program(&now)));
    child.kill().unwrap();
    let zombie = until(|| held.stat().ok().filter(|now| now.process.zombie));
    assert!(held.unchanged().is_none() && !held.is_same_program(&zombie));
    child.wait().unwrap();
    assert_eq!(held.stat().err().unwrap().raw_os_error(), Some(nix::libc::ESRCH));
}

#[test]
fn another_program_is_told_by_its_name_its_stack_and_its_arguments() {
    let (mut child, held) = becomes_sleep();
    let unseen = |stat: Stat| Stat { stack: 0, ..stat };
    assert!(held.is_same_program(&unseen(held.stat().unwrap())), "by its arguments");
    drop(child.stdin.take());
    until(|| Held::open(pid_of(&child)).ok().filter(|held| held.process.arguments == ["sleep", "60"]));
    let now = held.stat().unwrap();
    assert!(held.unchanged().is_none(), "by its name");
    assert!(!held.is_same_program(&now) && !held.is_same_program(&unseen(now)));
    let (held, now) = (Held { stack: 0, ..held }, unseen(held_stat(&child)));
    assert!(!held.is_same_program(&now), "that no stack is told of is no sameness");
    end(child);
}

#[test]
fn our_own_process_is_as_sysinfo_sees_it() {
    let own = i32::try_from(std::process::id()).unwrap();
    let ours = read(own).unwrap();
    let theirs = super::super::table::scan().unwrap().into_iter().find(|row| row.pid == own).unwrap();
    assert_eq!(ours, theirs);
    assert!(ours.started.is_some());
}

#[test]
fn a_replaced_executable_keeps_its_name() {
    assert_eq!(without_deleted("/bin/app (deleted)".into()), PathBuf::from("/bin/app"));
    assert_eq!(without_deleted("/bin/app".into()), PathBuf::from("/bin/app"));
}
