//! Each state that a counter can be put in, seen from outside.

use std::os::unix::process::ExitStatusExt;

use nix::libc::{
    SIGBUS, SIGCHLD, SIGCONT, SIGHUP, SIGKILL, SIGRTMAX, SIGRTMIN, SIGSEGV, SIGSTOP, SIGSYS, SIGTERM, SIGUSR1,
};

use super::*;
use crate::clock;
use crate::kubelet::{Volume, payload};

/// Long enough for any machine; nothing waits so long in vain.
const DEADLINE: Duration = Duration::from_secs(30);

fn proc_file(pid: i32, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{name}")).unwrap()).into_owned()
}

fn status_field(pid: i32, field: &str) -> String {
    let status = proc_file(pid, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    line.unwrap().trim().to_owned()
}

/// Is the signal in this mask of `/proc/PID/status`?
fn has(pid: i32, mask: &str, signal: i32) -> bool {
    let mask = u64::from_str_radix(&status_field(pid, mask), 16).unwrap();
    mask >> (signal - 1) & 1 == 1
}

fn masks(pid: i32, signal: i32) -> [bool; 3] {
    ["SigCgt", "SigBlk", "SigIgn"].map(|mask| has(pid, mask, signal))
}

const CAUGHT: [bool; 3] = [true, false, false];
const BLOCKED: [bool; 3] = [false, true, false];
const IGNORED: [bool; 3] = [false, false, true];
const DEFAULT: [bool; 3] = [false, false, false];

fn command_line(pid: i32) -> Vec<String> {
    let text = proc_file(pid, "cmdline");
    text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

fn parent(pid: i32) -> i32 {
    status_field(pid, "PPid").parse().unwrap()
}

#[test]
fn a_signal_is_recorded_with_all_that_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(dir.path(), &payload([("a", "1")])).unwrap();
    let target = Target::builder().read(dir.path()).spawn().unwrap();
    let before = clock::now();
    target.send(SIGHUP).unwrap();
    let first = target.wait_for_signals(1, DEADLINE).remove(0);
    assert!((before..clock::now()).contains(&first.ns));
    assert_eq!((first.pid, first.signal, first.count), (target.pid(), SIGHUP, 1));
    assert_eq!(first.sender, std::process::id().cast_signed());
    assert_eq!(first.role, Role::Main);
    assert_eq!(first.files, [("a".to_owned(), "1".to_owned())].into());

    volume.write(&payload([("a", "2"), ("b", "3")])).unwrap();
    target.send(SIGHUP).unwrap();
    let second = target.wait_for_signals(2, DEADLINE).remove(1);
    assert_eq!((second.count, &*second.files["a"], &*second.files["b"]), (2, "2", "3"));
}

#[test]
fn signals_are_caught_blocked_or_ignored() {
    for (mode, expected) in [(Mode::Catch, CAUGHT), (Mode::Signalfd, BLOCKED), (Mode::Ignore, IGNORED)] {
        let target = Target::builder().mode(mode).threads(2).spawn().unwrap();
        for signal in [SIGHUP, SIGUSR1, SIGCHLD, SIGRTMIN() + 3, SIGRTMAX()] {
            assert_eq!(masks(target.pid(), signal), expected, "{mode:?} {signal}");
        }
    }
}

#[test]
fn a_signalfd_counts_as_a_handler_does() {
    let target = Target::builder().mode(Mode::Signalfd).threads(3).spawn().unwrap();
    for count in 1..=3 {
        target.send(SIGHUP).unwrap();
        target.wait_for_signals(count, DEADLINE);
    }
    let counts: Vec<_> = target.signals().iter().map(|signal| signal.count).collect();
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(target.signals()[0].sender, std::process::id().cast_signed());
}

#[test]
fn ignored_signals_are_not_recorded() {
    let mut target = Target::builder().mode(Mode::Ignore).spawn().unwrap();
    target.send(SIGHUP).unwrap();
    target.send(SIGTERM).unwrap();
    assert!(target.wait_for_end(DEADLINE).unwrap().success());
    let numbers: Vec<_> = target.signals().iter().map(|signal| signal.signal).collect();
    assert_eq!(numbers, [SIGTERM]);
}

#[test]
fn without_a_handler_it_dies() {
    let mut target = Target::builder().mode(Mode::Default).spawn().unwrap();
    assert_eq!(masks(target.pid(), SIGHUP), DEFAULT);
    target.send(SIGHUP).unwrap();
    assert_eq!(target.wait_for_end(DEADLINE).unwrap().signal(), Some(SIGHUP));
    assert_eq!(target.signals(), []);
}

#[test]
fn before_the_handler_it_dies() {
    let late = Target::builder().handler_delay(Duration::from_hours(1));
    let mut target = late.spawn().unwrap();
    assert_eq!(masks(target.pid(), SIGHUP), DEFAULT);
    target.send(SIGHUP).unwrap();
    assert_eq!(target.wait_for_end(DEADLINE).unwrap().signal(), Some(SIGHUP));
}

#[test]
fn after_the_delay_it_counts() {
    let delay = Duration::from_millis(50);
    let target = Target::builder().handler_delay(delay).workers(1).spawn().unwrap();
    target.wait_ready(DEADLINE);
    let records = target.records();
    let started = records.iter().find_map(Record::started).unwrap().ns;
    let ready = records.iter().find_map(Record::ready).unwrap();
    assert!(ready.ns - started >= 50_000_000);
    target.send(SIGHUP).unwrap();
    assert_eq!(target.wait_for_signals(1, DEADLINE).len(), 1);
}

#[test]
fn sigterm_is_recorded_and_ends_it_and_its_workers() {
    let mut target = Target::builder().workers(2).spawn().unwrap();
    let workers = target.workers();
    target.send(SIGTERM).unwrap();
    assert!(target.wait_for_end(DEADLINE).unwrap().success());
    assert_eq!(target.signals().len(), 1);
    target.kill().unwrap();
    for pid in workers {
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}

#[test]
fn workers_are_children_that_count_too() {
    let target = Target::builder().named("nginx").workers(3).args(["-g", "x"]).spawn().unwrap();
    let workers = target.workers();
    assert_eq!(workers.len(), 3);
    for &pid in &workers {
        assert_eq!(parent(pid), target.pid());
        assert_eq!(proc_file(pid, "comm"), "nginx\n");
        assert_eq!(command_line(pid)[1..], ["-g", "x"]);
        counter::send(pid, SIGHUP).unwrap();
    }
    let signals = target.wait_for_signals(3, DEADLINE);
    let mut numbers: Vec<_> = signals.iter().map(|signal| signal.role).collect();
    numbers.sort_by_key(|role| format!("{role:?}"));
    assert_eq!(numbers, [Role::Worker(1), Role::Worker(2), Role::Worker(3)]);
}

#[test]
fn a_worker_that_ends_leaves_no_zombie() {
    let target = Target::builder().workers(2).spawn().unwrap();
    let worker = target.workers()[0];
    counter::send(worker, SIGKILL).unwrap();
    wait::until(DEADLINE, "the worker to be reaped", || {
        (!Path::new(&format!("/proc/{worker}")).exists()).then_some(())
    });
    assert_eq!(target.signals(), []);
}

#[test]
fn the_name_shows_everywhere() {
    let target = Target::builder().named("nginx").args(["-g", "daemon off;"]).spawn().unwrap();
    assert_eq!(proc_file(target.pid(), "comm"), "nginx\n");
    let executable = fs::read_link(format!("/proc/{}/exe", target.pid())).unwrap();
    assert_eq!(executable.file_name().unwrap(), "nginx");
    let command_line = command_line(target.pid());
    assert_eq!(Path::new(&command_line[0]), executable);
    assert_eq!(command_line[1..], ["-g", "daemon off;"]);
}

#[test]
fn comm_and_title_can_differ_from_the_name() {
    let nginx = Target::builder().named("nginx").title("nginx: master process /nginx");
    let nginx = nginx.worker_title("nginx: worker process").workers(1);
    let target = nginx.comm("a-name-of-more-than-15").spawn().unwrap();
    assert_eq!(command_line(target.pid()), ["nginx: master process /nginx"]);
    assert_eq!(proc_file(target.pid(), "comm"), "a-name-of-more-\n");
    let worker = target.workers()[0];
    assert_eq!(command_line(worker), ["nginx: worker process"]);
    assert_eq!(parent(worker), target.pid());
}

#[test]
fn a_shell_parent_has_no_trait_of_the_target() {
    let target = Target::builder().named("nginx").workers(1).shell_parent().spawn().unwrap();
    let first = target.first_pid();
    assert_eq!(parent(target.pid()), first);
    assert_eq!(parent(target.workers()[0]), target.pid());
    assert_eq!(proc_file(first, "comm"), "parent\n");
    assert_eq!(command_line(first), ["parent"]);
    let executable = fs::read_link(format!("/proc/{first}/exe")).unwrap();
    assert_eq!(executable.file_name().unwrap(), "parent");
    assert_eq!(proc_file(target.pid(), "comm"), "nginx\n");
    // The C library blocks all signals while it starts a process, and may not be done yet.
    wait::until(DEADLINE, "the masks of the parent", || (masks(first, SIGHUP) == DEFAULT).then_some(()));
    assert_eq!(masks(target.pid(), SIGHUP), CAUGHT);
}

#[test]
fn a_shell_parent_ends_as_its_child_does() {
    let shell = Target::builder().mode(Mode::Default).shell_parent();
    let mut target = shell.spawn().unwrap();
    target.send(SIGHUP).unwrap();
    assert_eq!(target.wait_for_end(DEADLINE).unwrap().code(), Some(128 + SIGHUP));
}

#[test]
fn it_has_the_threads_it_was_told_to() {
    let counts = [0, 5].map(|threads| {
        let target = Target::builder().threads(threads).spawn().unwrap();
        status_field(target.pid(), "Threads").parse::<u32>().unwrap()
    });
    assert_eq!(counts[1], counts[0] + 5);
}

#[test]
fn it_ends_after_its_time() {
    let mut target = Target::builder().exit_after(Duration::from_secs(1)).spawn().unwrap();
    assert!(target.wait_for_end(DEADLINE).unwrap().success());
}

#[test]
fn it_runs_as_another_user() {
    if !nix::unistd::geteuid().is_root() {
        return; // only root can
    }
    let target = Target::builder().user(4321, 4322).workers(1).spawn().unwrap();
    for pid in [target.pid(), target.workers()[0]] {
        assert_eq!(status_field(pid, "Uid"), "4321\t4321\t4321\t4321");
        assert_eq!(status_field(pid, "Gid"), "4322\t4322\t4322\t4322");
        assert_eq!(status_field(pid, "Groups"), "");
        let owner = fs::metadata(format!("/proc/{pid}/status")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), 4321);
    }
    target.send(SIGHUP).unwrap();
    target.wait_for_signals(1, DEADLINE);
}

#[test]
fn no_real_time_signal_is_lost() {
    for mode in [Mode::Catch, Mode::Signalfd] {
        let target = Target::builder().mode(mode).spawn().unwrap();
        for _ in 0..1000 {
            target.send(SIGRTMIN() + 1).unwrap();
        }
        let signals = target.wait_for_signals(1000, DEADLINE);
        let counts: Vec<_> = signals.iter().map(|signal| signal.count).collect();
        assert_eq!(counts, (1..=1000).collect::<Vec<_>>());
        assert!(signals.iter().map(|signal| signal.ns).is_sorted());
    }
}

#[test]
fn standard_signals_of_a_stopped_process_become_one() {
    let target = Target::builder().spawn().unwrap();
    target.send(SIGSTOP).unwrap();
    wait::until(DEADLINE, "it to be stopped", || {
        status_field(target.pid(), "State").starts_with('T').then_some(())
    });
    for _ in 0..5 {
        target.send(SIGHUP).unwrap();
        target.send(SIGRTMIN()).unwrap();
    }
    target.send(SIGCONT).unwrap();
    let signals = target.wait_for_signals(7, DEADLINE);
    let count = |number| signals.iter().filter(|signal| signal.signal == number).count();
    assert_eq!([count(SIGHUP), count(SIGRTMIN()), count(SIGCONT)], [1, 5, 1]);
}

#[test]
fn every_signal_one_by_one_is_counted() {
    let target = Target::builder().spawn().unwrap();
    // The runtime catches the faults of memory, and glibc uses numbers between the two ranges.
    let others = [SIGKILL, SIGSTOP, SIGTERM, SIGSEGV, SIGBUS];
    let numbers = (1..=SIGSYS).chain(SIGRTMIN()..=SIGRTMAX());
    let caught = |&signal: &i32| has(target.pid(), "SigCgt", signal) && !others.contains(&signal);
    let numbers: Vec<_> = numbers.filter(caught).collect();
    assert!(numbers.len() > 50, "{numbers:?}");
    for (count, &signal) in numbers.iter().enumerate() {
        target.send(signal).unwrap();
        let signals = target.wait_for_signals(count + 1, DEADLINE);
        assert_eq!((signals[count].signal, signals[count].count), (signal, 1));
    }
}

#[test]
fn a_dropped_target_is_gone() {
    let target = Target::builder().workers(2).shell_parent().spawn().unwrap();
    let mut pids = target.workers();
    pids.extend([target.pid(), target.first_pid()]);
    drop(target);
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{pid}");
    }
}
