//! Check: what is wrong with the pod now, and the mend of each. It looks with the other stages' eyes and changes
//! nothing: facts are gathered (IO), and the problems follow from the facts (pure).

mod closest;
mod delivery;
mod inotify;
mod namespace;
mod own;
mod paths;
mod problem;
mod processes;
mod text;

use serde::Serialize;

pub use closest::Named;
pub use delivery::{Handling, SignalFacts, TargetFacts};
pub use inotify::{Cause, Failure, InotifyFacts};
pub use namespace::NamespaceFacts;
pub use paths::{Kind, PathFacts, SubPath};
pub use problem::{Code, Problem, Severity};
pub use processes::{Match, NearMiss, ProcessFacts};

use crate::mounts;
use crate::process::{self, NoTarget, Pinned};
use crate::scope::Scope;
use crate::settings::Settings;
use crate::volume::Snapshot;
use crate::watch::Places;

/// All that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The watched paths, in the order of `CONFIG_DIR`.
    pub watched_paths: Vec<PathFacts>,
    /// The process table as the selection sees it.
    pub processes: ProcessFacts,
    /// The signal, its sender and its targets.
    pub signal: SignalFacts,
    /// inotify; not looked at where the daemon itself finds out.
    pub inotify: Option<InotifyFacts>,
    /// The PID namespace.
    pub pid_namespace: NamespaceFacts,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Whether a change would be delivered now, and nothing of contract 6 is wrong.
    pub ok: bool,
    /// What is wrong, and what is hardly meant.
    pub problems: Vec<Problem>,
    /// What was looked at.
    pub facts: Facts,
}

/// Looks at everything.
pub async fn look(settings: &Settings) -> Findings {
    let mounts = mounts::all();
    let scope = Scope::of(settings);
    let places = Places::of(&settings.config_dir, scope);
    let mut watched_paths = Vec::new();
    for (path, volumes) in settings.config_dir.iter().zip(places.volumes()) {
        let held = Snapshot::read(path, scope, volumes.inside(), None).await;
        watched_paths.push(PathFacts::of(path, held.as_ref(), volumes, settings, &mounts));
    }
    let inotify = Some(InotifyFacts::gather(settings));
    let facts = gather(settings, watched_paths, inotify, true);
    let problems = problems(&facts);
    let ok = problems.iter().all(|problem| problem.severity != Severity::Wrong);
    Findings { ok, problems, facts }
}

/// The problems of contract 6 at the start of the daemon, which has read its paths already (`snapshots`, in the
/// order of `CONFIG_DIR`) and tells itself of inotify and of files that it cannot read: one look at the process
/// table and the mounts, without any wait. That the target has no handler yet is nothing to tell of at start.
pub fn problems_at_start<'a>(
    settings: &Settings,
    snapshots: impl IntoIterator<Item = &'a Snapshot>,
) -> Vec<Problem> {
    let mounts = mounts::all();
    let places = Places::of(&settings.config_dir, Scope::of(settings));
    let mut watched_paths = Vec::new();
    for ((path, volumes), snapshot) in settings.config_dir.iter().zip(places.volumes()).zip(snapshots) {
        watched_paths.push(PathFacts::of(path, Ok(snapshot), volumes, settings, &mounts));
    }
    let mut problems = problems(&gather(settings, watched_paths, None, false));
    problems.retain(|problem| {
        !matches!(problem.code, Code::PathUnreadable | Code::NotHandled | Code::SignalIgnored)
    });
    problems
}

fn gather(
    settings: &Settings,
    watched_paths: Vec<PathFacts>,
    inotify: Option<InotifyFacts>,
    patience: bool,
) -> Facts {
    let (processes, pid_namespace, targets) = look_for_targets(settings);
    let signal = SignalFacts::gather(&targets, settings, patience);
    Facts { watched_paths, processes, signal, inotify, pid_namespace }
}

fn look_for_targets(settings: &Settings) -> (ProcessFacts, NamespaceFacts, Vec<Pinned>) {
    let (spec, mode) = (&settings.target, settings.process_select);
    let own_pid = nix::unistd::getpid().as_raw();
    let mut facts = ProcessFacts::new(spec, mode);
    let all = process::table().unwrap_or_else(|error| {
        facts.table_error = Some(NoTarget::Table(error).to_string());
        Vec::new()
    });
    let pids: Vec<i32> = all.iter().map(|process| process.pid).collect();
    let table = own::without_other_sidecars(all, spec, own_pid);
    let targets = if let Some(path) = &spec.pid_file {
        let is_sidecar = |pid| pids.contains(&pid) && table.iter().all(|process| process.pid != pid);
        let found = process::by_pid_file(path, spec, own_pid);
        facts.by_pid_file(path, found, is_sidecar).into_iter().collect()
    } else {
        let chosen = facts.by_name(&table, mode, own_pid);
        let held: Vec<Pinned> = chosen.iter().filter_map(|process| process::pin(process, spec)).collect();
        facts.ended(|pid| held.iter().any(|target| target.pid == pid));
        held
    };
    (facts, NamespaceFacts::gather(&table, own_pid), targets)
}

/// What is wrong, by the facts alone.
pub fn problems(facts: &Facts) -> Vec<Problem> {
    let mut problems = Vec::new();
    for path in &facts.watched_paths {
        problems.append(&mut path.problems());
    }
    problems.extend(facts.inotify.as_ref().and_then(InotifyFacts::problems).filter(|problem| {
        // That a path which is not readable cannot be watched is no news.
        problem.code != Code::NotWatchable || facts.watched_paths.iter().all(|path| path.readable)
    }));
    problems.extend(no_target(facts));
    problems.append(&mut facts.signal.problems());
    problems
}

/// In an empty namespace every name is without a match, and every PID file is of another one.
fn no_target(facts: &Facts) -> Option<Problem> {
    let no_target = facts.processes.problems()?;
    let alone = facts.pid_namespace.problem().filter(|_| facts.processes.table_error.is_none());
    Some(alone.unwrap_or(no_target))
}

#[cfg(test)]
mod tests;
