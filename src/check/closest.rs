//! Closest: which of the names that are there could be the one that was meant? Pure.

use std::cmp::Reverse;

use serde::Serialize;

use crate::process::{Process, names};

/// A name, and the processes that bear it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The PIDs, in the order of the table.
    pub pids: Vec<i32>,
    /// Whether it is so close that it is likely meant.
    pub likely: bool,
}

/// How many are worth telling.
const MOST: usize = 5;
/// In thousandths: two of five letters exchanged are 800, half of the letters are 500.
const LIKELY: usize = 600;
/// Shorter names begin too many others.
const SHORTEST_BEGINNING: usize = 3;

/// What tells which of two names is closer, the closer first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    OtherCase,
    Beginning,
    /// Thousandths.
    Alike(Reverse<usize>),
}

/// The names of the processes, each by the one that is closest, the closest first.
pub(super) fn closest<'a>(wanted: &str, processes: impl Iterator<Item = &'a Process>) -> Vec<Named> {
    let mut found: Vec<(Closeness, Named)> = Vec::new();
    for process in processes {
        let all = names(process).into_iter().map(|name| (closeness(wanted, &name), name));
        // Of names as close as each other the process's own, which is the first.
        let Some((closeness, name)) = all.min_by_key(|(closeness, _)| *closeness) else { continue };
        if let Some((_, named)) = found.iter_mut().find(|(_, named)| named.name == name) {
            named.pids.push(process.pid);
        } else {
            let likely = closeness <= Closeness::Alike(Reverse(LIKELY));
            found.push((closeness, Named { name, pids: vec![process.pid], likely }));
        }
    }
    let mut closest = Vec::new();
    while closest.len() < MOST {
        let key = |index: &usize| (found[*index].0, &found[*index].1.name);
        let Some(first) = (0..found.len()).min_by_key(key) else { break };
        closest.push(found.swap_remove(first).1);
    }
    closest
}

fn closeness(wanted: &str, name: &str) -> Closeness {
    let (wanted, name) = (wanted.to_ascii_lowercase(), name.to_ascii_lowercase());
    let begins = |long: &str, short: &str| short.len() >= SHORTEST_BEGINNING && long.starts_with(short);
    if wanted == name {
        Closeness::OtherCase
    } else if begins(&wanted, &name) || begins(&name, &wanted) {
        Closeness::Beginning
    } else {
        let longer = wanted.chars().count().max(name.chars().count()).max(1);
        let same = longer.saturating_sub(strsim::osa_distance(&wanted, &name));
        Closeness::Alike(Reverse(same * 1000 / longer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn process(pid: i32, comm: &str, arguments: &[&str]) -> Process {
        let arguments = arguments.iter().map(Into::into).collect();
        Process { pid, comm: comm.into(), arguments, ..Process::default() }
    }

    fn order(wanted: &str, names: &[&str]) -> Vec<(String, bool)> {
        let table: Vec<Process> =
            names.iter().zip(1..).map(|(name, pid)| process(pid, name, &[name])).collect();
        closest(wanted, table.iter()).into_iter().map(|named| (named.name, named.likely)).collect()
    }

    #[test]
    fn typing_mistakes_come_before_strangers() {
        let table: &[(&str, &[&str], &str, bool)] = &[
            ("ngnix", &["pause", "nginx", "sh"], "nginx", true),
            ("Nginx", &["nginxx", "nginx"], "nginx", true),
            ("NGINX", &["ngnix", "nginx"], "nginx", true),
            ("nginx", &["pause", "nginx-ingress"], "nginx-ingress", true),
            ("nginx-ingress", &["pause", "nginx"], "nginx", true),
            ("redis-sever", &["redis-cli", "redis-server", "pause"], "redis-server", true),
            ("postgres", &["pause", "java"], "pause", false),
            ("shell", &["sh", "shel"], "shel", true),
            ("x", &["y"], "y", false),
        ];
        for (wanted, names, first, likely) in table {
            let found = order(wanted, names);
            assert_eq!(found[0], ((*first).to_owned(), *likely), "{wanted} of {found:?}");
        }
    }

    #[test]
    fn one_name_of_several_processes_is_told_once_and_a_script_by_its_own() {
        let workers = [process(9, "nginx", &["nginx"]), process(3, "nginx", &["nginx"])];
        let found = closest("ngnix", workers.iter());
        assert_eq!((found.len(), &*found[0].pids), (1, &[9, 3][..]));
        let script = [process(4, "python3", &["python3", "/x/gunicorn"])];
        assert_eq!(closest("gunicron", script.iter())[0].name, "gunicorn");
        assert_eq!(closest("pyton", script.iter())[0].name, "python3");
    }

    fn tables() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-cA-C:/é ]{0,6}", 0..12)
    }

    proptest! {
        #[test]
        fn at_most_five_each_once_and_the_same_in_any_order(names in tables(), wanted in "[a-c]{1,6}") {
            let table = |names: &[String]| -> Vec<Process> {
                names.iter().map(|name| process(1, name, &[])).collect()
            };
            let found = closest(&wanted, table(&names).iter());
            prop_assert!(found.len() <= MOST);
            let mut once = found.iter().map(|named| &named.name).collect::<Vec<_>>();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), found.len());
            let reversed: Vec<String> = names.iter().rev().cloned().collect();
            prop_assert_eq!(closest(&wanted, table(&reversed).iter()), found);
        }

        #[test]
        fn the_name_itself_is_never_beaten(names in tables(), wanted in "[a-c]{1,6}") {
            let mut table: Vec<Process> = names.iter().map(|name| process(1, name, &[])).collect();
            table.push(process(2, &wanted, &[]));
            let found = closest(&wanted, table.iter());
            prop_assert_eq!(found[0].name.to_ascii_lowercase(), wanted);
        }

        #[test]
        fn closeness_is_the_same_both_ways(a in "[a-c]{3,6}", b in "[a-c]{3,6}") {
            prop_assert_eq!(closeness(&a, &b), closeness(&b, &a));
        }
    }
}
