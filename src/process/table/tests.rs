use std::process::{Child, Command, Stdio};

use sidecar_testkit::wait;

use super::super::births::{LONG_FORK, is_told};
use super::super::proc::tests::pid_of;
use super::*;

/// That no row was verified.
fn none_is(_: &Process) -> bool {
    false
}

fn sleeper() -> Child {
    Command::new("sleep").arg("100").stdout(Stdio::null()).spawn().unwrap()
}

fn row(table: &[Process], pid: i32) -> Option<Process> {
    table.iter().find(|process| process.pid == pid).cloned()
}

#[test]
fn what_is_new_is_as_if_all_were_read() {
    let (mut table, now) = (Table::default(), Instant::now());
    let mut old = sleeper();
    table.read(now).unwrap();
    let mut new = sleeper();
    table.refresh(&none_is, now).unwrap();
    let (refreshed, whole) = (table.rows(), scan().unwrap());
    for pid in [pid_of(&old), pid_of(&new), i32::try_from(std::process::id()).unwrap()] {
        // Between fork and exec it still has its parent's name.
        let (Some(seen), Some(expected)) = (row(refreshed, pid), row(&whole, pid)) else {
            panic!("no {pid}")
        };
        assert_eq!((seen.pid, seen.parent, seen.started), (pid, expected.parent, expected.started));
    }
    for child in [&mut old, &mut new] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    table.refresh(&none_is, now).unwrap();
    let refreshed = table.rows();
    assert!(row(refreshed, pid_of(&old)).is_none() && row(refreshed, pid_of(&new)).is_none());
}

#[test]
fn names_are_kept_for_a_minute_and_only_where_the_process_is_the_same() {
    let mut child = sleeper();
    let pid = pid_of(&child);
    let (mut table, start) = (Table::default(), Instant::now());
    let name = |table: &Table| row(table.rows(), pid).unwrap().arguments[0].clone();
    // Between fork and exec it has its parent's name.
    wait::until(Duration::from_secs(20), "the exec", || {
        proc::read(pid).ok().filter(|process| process.arguments.iter().any(|argument| argument == "100"))
    });
    table.read(start).unwrap();
    let real = name(&table);
    let change = |table: &mut Table, change: fn(&mut Process)| {
        change(table.rows.iter_mut().find(|process| process.pid == pid).unwrap());
    };
    change(&mut table, |process| process.arguments = vec!["kept".into()]);
    let before = start + NAMES_KEPT / 2;
    table.refresh(&none_is, before).unwrap();
    assert_eq!(name(&table), "kept");
    table.refresh(&none_is, start + NAMES_KEPT).unwrap();
    assert_eq!(name(&table), real);
    for other in [
        (|process| (process.started, process.arguments) = (None, vec!["old".into()])) as fn(&mut Process),
        |process| (process.comm, process.arguments) = ("other".into(), vec!["old".into()]),
    ] {
        change(&mut table, other);
        table.refresh(&none_is, before).unwrap();
        assert_eq!(name(&table), real);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Rows that were never there, by what a refresh makes of them; processes come and go meanwhile in other tests.
#[test]
fn another_revision_is_another_table() {
    let own = i32::try_from(std::process::id()).unwrap();
    let (mut table, now) = (Table::default(), Instant::now());
    let row_of = |pid| Process { pid, ..Process::default() };
    let is_new = |table: &mut Table, change: fn(&mut Process, Process)| {
        let before = table.revision();
        let index = table.rows.iter().position(|process| process.pid == own).unwrap();
        change(&mut table.rows[index], row_of(own));
        table.refresh(&none_is, now).unwrap();
        table.revision() != before
    };
    table.read(now).unwrap();
    assert!(is_new(&mut table, |row, _| row.zombie = true));
    assert!(is_new(&mut table, |row, _| row.parent = Some(i32::MAX)));
    assert!(is_new(&mut table, |row, other| *row = other), "another process");
    for (is_first, pid) in [(true, -1), (false, i32::MAX)] {
        let before = table.revision();
        let at = if is_first { 0 } else { table.rows.len() };
        table.rows.insert(at, row_of(pid));
        table.refresh(&none_is, now).unwrap();
        assert!(table.revision() > before && row(table.rows(), pid).is_none(), "one that is gone");
    }
    let before = table.revision();
    table.rows.retain(|process| process.pid != own);
    table.refresh(&none_is, now).unwrap();
    assert!(table.revision() > before && row(table.rows(), own).is_some(), "one that is new");
    assert!(table.rows().is_sorted_by_key(|process| process.pid));
    let is_quiet = |_| {
        let before = table.revision();
        table.refresh(&none_is, now).unwrap();
        table.revision() == before
    };
    assert!((0..1000).any(is_quiet), "the same table is the same revision");
}

#[test]
fn one_that_was_verified_is_not_read_and_one_that_was_verified_as_something_else_is() {
    let (mut table, now, own) = (Table::default(), Instant::now(), getpid().as_raw());
    table.read(now).unwrap();
    let index = table.rows.iter().position(|process| process.pid == own).unwrap();
    let real = table.rows[index].clone();
    let verified = Process { comm: "verified".into(), ..real.clone() };
    table.rows[index] = verified.clone();
    table.refresh_row(index, own, &|row| row.is_still(&verified));
    assert_eq!(table.rows[index], verified);
    for other in [
        Process { comm: "other".into(), ..verified.clone() },
        Process { parent: Some(i32::MAX), ..verified.clone() },
        Process { started: None, ..verified.clone() },
        Process { zombie: true, ..verified.clone() },
        Process { pid: 0, ..verified.clone() },
    ] {
        table.rows[index] = verified.clone();
        table.refresh_row(index, own, &|row| row.is_still(&other));
        assert_eq!(table.rows[index], real, "{other:?}");
    }
}

#[test]
fn where_none_came_what_ended_and_what_changed_is_noticed_all_the_same() {
    let (mut table, mut old, mut ending) = (Table::default(), sleeper(), sleeper());
    table.read(Instant::now()).unwrap();
    let (old_pid, ending_pid) = (pid_of(&old), pid_of(&ending));
    ending.kill().unwrap();
    ending.wait().unwrap();
    table.rows.iter_mut().find(|process| process.pid == old_pid).unwrap().comm = "before exec".into();
    table.refresh_rows(&none_is);
    assert_eq!(row(table.rows(), ending_pid), None);
    assert_eq!(row(table.rows(), old_pid).unwrap().comm, "sleep");
    old.kill().unwrap();
    old.wait().unwrap();
}

#[test]
fn no_file_stays_open_of_one_that_ended_before_a_whole_read() {
    let (mut table, now, mut ending) = (Table::default(), Instant::now(), sleeper());
    let pid = pid_of(&ending);
    table.read(now).unwrap();
    // The first few files stay open, whoever else runs.
    table.rows.retain(|process| process.pid == pid);
    table.refresh_rows(&none_is);
    assert!(table.stats.contains_key(&pid));
    ending.kill().unwrap();
    ending.wait().unwrap();
    table.read(now).unwrap();
    assert!(!table.stats.contains_key(&pid));
}

/// A table that needs no list.
fn listed() -> Table {
    let mut table = Table::default();
    table.read(Instant::now()).unwrap();
    table.births.list_in_quiet();
    table
}

#[test]
fn nothing_is_listed_where_none_came() {
    let mut unseen = sleeper();
    let is_unseen_after = || {
        let mut table = listed();
        table.rows.retain(|process| process.pid != pid_of(&unseen));
        table.refresh(&none_is, Instant::now()).unwrap();
        row(table.rows(), pid_of(&unseen)).is_none().then_some(())
    };
    if is_told() {
        wait::until(Duration::from_secs(20), "a refresh without a list", is_unseen_after);
    }
    unseen.kill().unwrap();
    unseen.wait().unwrap();
}

#[test]
fn one_that_cannot_be_read_any_more_has_all_listed_again_and_so_has_a_whole_read() {
    let is_listed_after = |lose: fn(&mut Table)| {
        let mut table = listed();
        lose(&mut table);
        table.births.all_listed()
    };
    let one_ends = |table: &mut Table| {
        table.rows.push(Process { pid: i32::MAX, ..Process::default() });
        table.refresh_rows(&none_is);
    };
    if is_told() {
        for _ in 0..20 {
            assert!(!is_listed_after(one_ends));
            assert!(!is_listed_after(|table| table.read(Instant::now()).unwrap()));
        }
    }
}

#[test]
fn all_are_listed_only_if_each_could_be_read() {
    let own = getpid().as_raw();
    let is_listed_by = |pids: &[i32]| {
        let mut table = Table::default();
        table.births.all_listed();
        let began = Instant::now() + LONG_FORK;
        table.refresh_listed(pids.iter().copied().map(Ok), &none_is, began).unwrap();
        assert_eq!(table.rows().iter().map(|row| row.pid).collect::<Vec<_>>(), [own]);
        table.births.all_listed()
    };
    if is_told() {
        assert!((0..1000).any(|_| is_listed_by(&[own])));
        assert!(!(0..100).any(|_| is_listed_by(&[own, i32::MAX]) || is_listed_by(&[0, own])));
    }
}
