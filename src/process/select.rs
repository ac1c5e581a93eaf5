//! The choice among processes: pure.

use super::{Process, matched_by};
use crate::settings::ProcessSelect;

/// The processes of this name that are targets, in the order of their start. Zombies and the sidecar
/// itself never are.
pub fn select(table: &[Process], name: &str, mode: ProcessSelect, own_pid: i32) -> Vec<Process> {
    let is_match = |process: &&Process| {
        process.pid > 0 && process.pid != own_pid && !process.zombie && matched_by(name, process).is_some()
    };
    let matches = in_order(table.iter().filter(is_match).collect());
    let chosen: Vec<&Process> = match mode {
        ProcessSelect::All => matches,
        ProcessSelect::Oldest => matches.first().copied().into_iter().collect(),
        ProcessSelect::Newest => matches.last().copied().into_iter().collect(),
        ProcessSelect::Root => {
            let is_root = |process: &&&Process| !has_match_above(process, table, &matches);
            matches.iter().filter(is_root).copied().collect()
        }
    };
    chosen.into_iter().cloned().collect()
}

/// In the order of their start, and of their PIDs where that is not known.
pub(crate) fn in_order(mut processes: Vec<&Process>) -> Vec<&Process> {
    processes.sort_by_key(|process| (process.started, process.pid));
    processes
}

fn has_match_above(process: &Process, table: &[Process], matches: &[&Process]) -> bool {
    let mut parent = process.parent;
    // The table is not of one moment, so reused PIDs could make a circle of it.
    for _ in 0..table.len() {
        let Some(pid) = parent else { return false };
        if matches.iter().any(|candidate| candidate.pid == pid && pid != process.pid) {
            return true;
        }
        parent = table.iter().find(|candidate| candidate.pid == pid).and_then(|above| above.parent);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::StartTime;
    use super::*;
    use proptest::prelude::*;

    const OWN: i32 = 99;

    fn process(pid: i32, parent: i32, name: &str) -> Process {
        Process {
            pid,
            parent: (parent > 0).then_some(parent),
            comm: name.into(),
            started: Some(StartTime::from_ticks(u64::try_from(pid).unwrap())),
            ..Process::default()
        }
    }

    fn pids(table: &[Process], mode: ProcessSelect) -> Vec<i32> {
        select(table, "app", mode, OWN).iter().map(|process| process.pid).collect()
    }

    #[test]
    fn each_mode_on_a_master_its_workers_and_another_master() {
        let mut table = vec![
            process(1, 0, "pause"),
            process(20, 0, "app"),
            process(5, 20, "app"),
            process(6, 20, "shell"),
            process(7, 6, "app"),
            process(30, 1, "app"),
            process(OWN, 0, "app"),
        ];
        table.push(Process { zombie: true, ..process(2, 0, "app") });
        assert_eq!(pids(&table, ProcessSelect::Root), [20, 30]);
        assert_eq!(pids(&table, ProcessSelect::All), [5, 7, 20, 30]);
        assert_eq!(pids(&table, ProcessSelect::Oldest), [5]);
        assert_eq!(pids(&table, ProcessSelect::Newest), [30]);
    }

    #[test]
    fn a_zombie_master_does_not_hide_its_worker() {
        let table = [Process { zombie: true, ..process(2, 0, "app") }, process(3, 2, "app")];
        assert_eq!(pids(&table, ProcessSelect::Root), [3]);
    }

    #[test]
    fn oldest_goes_by_start_and_not_by_pid() {
        let mut table = [process(10, 0, "app"), process(4, 0, "app")];
        table[1].started = Some(StartTime::from_ticks(500));
        assert_eq!(pids(&table, ProcessSelect::Oldest), [10]);
        assert_eq!(pids(&table, ProcessSelect::Newest), [4]);
    }

    fn modes() -> impl Strategy<Value = ProcessSelect> {
        use ProcessSelect::{All, Newest, Oldest, Root};
        proptest::sample::select(vec![Root, All, Oldest, Newest])
    }

    fn tables() -> impl Strategy<Value = Vec<Process>> {
        let names =
            proptest::sample::select(vec!["app", "apple", "ap", "app:", "other", "/x/app", "app: worker"]);
        let row = (-1..12i32, 0..12i32, names.clone(), prop::option::of(names), any::<bool>());
        prop::collection::vec(row, 0..14).prop_map(|rows| {
            let build =
                |(pid, parent, comm, argument, zombie): (i32, i32, &str, Option<&str>, bool)| Process {
                    pid,
                    parent: (parent > 0).then_some(parent),
                    comm: comm.into(),
                    arguments: argument.into_iter().map(Into::into).collect(),
                    zombie,
                    ..Process::default()
                };
            rows.into_iter().map(build).collect()
        })
    }

    proptest! {
        #[test]
        fn never_a_process_whose_name_does_not_match(table in tables(), mode in modes(), own in -1..12i32) {
            for chosen in select(&table, "app", mode, own) {
                let named = chosen.comm == "app"
                    || chosen.arguments.first().is_some_and(|a| ["app", "/x/app", "app:", "app: worker"].iter().any(|n| a == n));
                prop_assert!(named && !chosen.zombie && chosen.pid > 0 && chosen.pid != own, "{chosen:?}");
            }
        }

        #[test]
        fn a_match_in_the_table_is_always_represented(table in tables(), mode in modes()) {
            let mut distinct = table;
            distinct.sort_by_key(|process| process.pid);
            distinct.dedup_by_key(|process| process.pid);
            let all = select(&distinct, "app", ProcessSelect::All, OWN);
            let chosen = select(&distinct, "app", mode, OWN);
            prop_assert!(chosen.iter().all(|process| all.contains(process)));
            if mode != ProcessSelect::Root {
                prop_assert_eq!(chosen.is_empty(), all.is_empty());
            }
        }
    }
}
