//! What a process does with signals.

use super::*;

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
        target.send(SIGRTMAX()).unwrap();
    }
    target.send(SIGCONT).unwrap();
    let signals = target.wait_for_signals(7, DEADLINE);
    let count = |number| signals.iter().filter(|signal| signal.signal == number).count();
    assert_eq!([count(SIGHUP), count(SIGRTMAX()), count(SIGCONT)], [1, 5, 1]);
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
