//! Known: a target that was found, held so that a change need only verify it.

use std::sync::Arc;

use super::proc::{Held, Stat};
use super::{Pinned, Process, ProcessId, pin};
use crate::settings::{ProcessSelect, TargetSpec};

/// Deeper than any tree of processes in a pod; the table is not of one moment, so that reused PIDs could
/// make a circle of it.
const MOST_ANCESTORS: usize = 64;

/// A process that was selected.
#[derive(Debug)]
pub(super) struct Known {
    process: Process,
    line: Option<Line>,
}

/// A target, and the processes above it where none of them may be one.
#[derive(Debug)]
struct Line {
    target: Arc<Pinned>,
    above: Vec<Held>,
}

/// A target that was verified a moment ago.
#[derive(Debug)]
pub struct Recalled {
    /// The target.
    pub target: Arc<Pinned>,
    stat: Stat,
}

impl Recalled {
    /// Whether it was certain to have a handler for the signal then.
    pub fn catches(&self, signal: i32) -> bool {
        self.stat.catches(signal)
    }
}

impl Known {
    pub(super) fn new(process: Process) -> Self {
        Self { process, line: None }
    }

    pub(super) fn id(&self) -> Option<ProcessId> {
        self.process.id()
    }

    /// The target, if it still is one: at a glance where it is held and nothing changed, else by all of its names.
    pub(super) fn recall(&mut self, spec: &TargetSpec, mode: ProcessSelect) -> Option<Recalled> {
        let glance = self.line.as_ref().and_then(Line::verified);
        glance.or_else(|| {
            self.line = None;
            let line = Line::pin(&self.process, spec, mode)?;
            let (target, stat) = (Arc::clone(&line.target), line.target.held.stat().ok()?);
            self.line = Some(line);
            Some(Recalled { target, stat })
        })
    }

    /// Whether this row is of the target, or of one above it, as they were verified by the last recall.
    pub(super) fn holds(&self, row: &Process) -> bool {
        self.line.as_ref().is_some_and(|line| {
            row.is_still(&line.target.held.process)
                || line.above.iter().any(|above| row.is_still(&above.process))
        })
    }

    /// Closes its files.
    pub(super) fn let_go(&mut self) {
        self.line = None;
    }
}

impl Line {
    fn pin(process: &Process, spec: &TargetSpec, mode: ProcessSelect) -> Option<Self> {
        let target = pin(process, spec)?;
        let mut above = Vec::new();
        let mut parent = target.held.process.parent.filter(|_| mode == ProcessSelect::Root);
        while let Some(ancestor) = parent.and_then(|parent| Held::open(parent).ok()) {
            if !ancestor.process.zombie && spec.accepts(&ancestor.process) {
                return None;
            }
            parent = ancestor.process.parent.filter(|_| above.len() < MOST_ANCESTORS);
            above.push(ancestor);
        }
        Some(Self { target: Arc::new(target), above })
    }

    /// The target, if nothing changed. It is looked at last, for what it does with signals.
    fn verified(&self) -> Option<Recalled> {
        let is_root = self.above.iter().all(|above| above.unchanged().is_some());
        let held = &self.target.held;
        let stat = is_root.then(|| held.unchanged()).flatten().filter(|now| held.is_same_program(now))?;
        Some(Recalled { target: Arc::clone(&self.target), stat })
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::super::proc;
    use super::super::proc::tests::{pid_of, until};
    use super::*;

    /// A shell that waits for a line.
    struct Shell(Child);

    impl Shell {
        fn new(script: &str) -> Self {
            Self::with(&["-c", script])
        }

        fn with(arguments: &[&str]) -> Self {
            Self(Command::new("sh").args(arguments).stdin(Stdio::piped()).spawn().unwrap())
        }

        fn pid(&self) -> i32 {
            pid_of(&self.0)
        }

        fn go(&mut self) {
            drop(self.0.stdin.take());
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    fn named(name: &str) -> TargetSpec {
        TargetSpec { name: Some(name.into()), pid_file: None }
    }

    /// In the middle of an `execve` it has a name and no arguments yet.
    fn process(pid: i32, comm: &str) -> Process {
        let is_there = |process: &Process| process.comm == comm && !process.arguments.is_empty();
        until(|| proc::read(pid).ok().filter(is_there))
    }

    #[test]
    fn a_target_is_recalled_as_the_same_until_it_becomes_another_program() {
        let mut shell = Shell::new("read _; exec sleep 60");
        let (mut known, spec) = (Known::new(process(shell.pid(), "sh")), named("sh"));
        let mut recall = || known.recall(&spec, ProcessSelect::All).map(|recalled| recalled.target);
        let first = recall().unwrap();
        assert!(Arc::ptr_eq(&first, &recall().unwrap()), "held");
        shell.go();
        process(shell.pid(), "sleep");
        assert!(recall().is_none());
    }

    /// The kernel's name of both is `sh`.
    #[test]
    fn a_script_that_executes_another_is_none_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| dir.path().join(name).display().to_string());
        std::fs::write(&first, format!("read _; exec sh {second}")).unwrap();
        std::fs::write(&second, "kill -STOP $$").unwrap();
        let mut shell = Shell::with(&[&first]);
        let (mut known, spec) = (Known::new(process(shell.pid(), "sh")), named("first"));
        assert!(known.recall(&spec, ProcessSelect::All).is_some());
        shell.go();
        until(|| {
            proc::read(shell.pid()).ok().filter(|process| process.arguments.iter().any(|a| a == &*second))
        });
        assert!(known.recall(&spec, ProcessSelect::All).is_none());
    }

    #[test]
    fn a_root_is_none_any_more_once_its_parent_bears_the_name() {
        let mut parent = Shell::new("sleep 60 & read _; exec sleep 60");
        let own = parent.pid();
        let child = until(|| {
            super::super::table()
                .unwrap()
                .into_iter()
                .find(|row| row.parent == Some(own) && row.comm == "sleep" && !row.arguments.is_empty())
        });
        let (mut root, mut any, spec) = (Known::new(child.clone()), Known::new(child), named("sleep"));
        assert!(root.recall(&spec, ProcessSelect::Root).is_some());
        assert!(any.recall(&spec, ProcessSelect::All).is_some());
        parent.go();
        process(own, "sleep");
        assert!(root.recall(&spec, ProcessSelect::Root).is_none());
        let child = any.recall(&spec, ProcessSelect::All).unwrap();
        child.target.kill(nix::libc::SIGKILL).unwrap();
    }

    #[test]
    fn one_whose_files_were_closed_is_looked_at_by_all_of_its_names() {
        let mut shell = Shell::new("read _; exec sleep 60");
        let (mut known, spec) = (Known::new(process(shell.pid(), "sh")), named("sh"));
        let first = known.recall(&spec, ProcessSelect::Root).unwrap().target;
        known.let_go();
        assert!(!Arc::ptr_eq(&first, &known.recall(&spec, ProcessSelect::Root).unwrap().target));
        known.let_go();
        shell.go();
        process(shell.pid(), "sleep");
        assert!(known.recall(&spec, ProcessSelect::Root).is_none());
    }
}
