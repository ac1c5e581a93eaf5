//! PID namespace: is anything but the sidecar to be seen?

use std::fs;

use serde::Serialize;

use super::own;
use super::problem::{Code, Problem};
use crate::process::{NoTarget, Process, base_name};

/// What there is to know of the PID namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NamespaceFacts {
    /// The kernel's name of it: the same for all containers that share it.
    pub id: Option<String>,
    /// The PID of this process in it.
    pub own_pid: i32,
    /// How many processes can be seen that are neither the sidecar nor what started it.
    pub others: usize,
    /// What started the sidecar, as far as it can be seen.
    pub started_by: Vec<String>,
}

impl NamespaceFacts {
    /// From a table without other sidecars.
    pub(super) fn gather(table: &[Process], own_pid: i32) -> Self {
        let id = fs::read_link("/proc/self/ns/pid").ok();
        let ancestors = own::ancestors(table, own_pid);
        let is_other = |process: &&Process| {
            process.pid != own_pid && ancestors.iter().all(|ancestor| ancestor.pid != process.pid)
        };
        Self {
            id: id.map(|id| id.to_string_lossy().into_owned()),
            own_pid,
            others: table.iter().filter(is_other).count(),
            started_by: ancestors.into_iter().map(base_name).collect(),
        }
    }

    /// Nobody is there to be signalled.
    pub(super) fn problem(&self) -> Option<Problem> {
        if self.others > 0 {
            return None;
        }
        let problem =
            Problem::told(Code::NoSharedPidNamespace, "PID namespace", &NoTarget::Alone.to_string());
        if self.started_by.is_empty() {
            return Some(problem);
        }
        let what = format!("{} (but what started it: {})", problem.what, self.started_by.join(", "));
        Some(Problem { what, ..problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Process {
        let parent = (parent > 0).then_some(parent);
        Process { pid, parent, comm: format!("p{pid}").into(), ..Process::default() }
    }

    #[test]
    fn only_what_did_not_start_the_sidecar_is_a_sign_of_a_shared_namespace() {
        let facts = |table: &[Process]| NamespaceFacts::gather(table, 9);
        let alone = facts(&[process(9, 0)]);
        assert_eq!((alone.others, alone.own_pid), (0, 9));
        let problem = alone.problem().unwrap();
        assert_eq!(problem.code, Code::NoSharedPidNamespace);
        assert_eq!(problem.what, "no process but the sidecar itself is visible");
        assert!(problem.mend.starts_with("share the PID namespace: shareProcessNamespace: true"));

        let in_a_shell = facts(&[process(9, 5), process(5, 1), process(1, 0)]);
        assert_eq!((in_a_shell.others, in_a_shell.started_by.len()), (0, 2));
        assert!(in_a_shell.problem().unwrap().what.ends_with("(but what started it: p5, p1)"));

        let shared = facts(&[process(9, 0), process(1, 0)]);
        assert_eq!((shared.others, shared.problem()), (1, None));
        assert!(shared.id.is_some_and(|id| id.starts_with("pid:[")));
    }
}
