//! Own: which of the processes are the sidecar itself? A `check` in the sidecar's container sees the running
//! sidecar beside it, which is no more of a target than `check` is, and no sign of a shared PID namespace.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::process::{Process, base_name};
use crate::settings::TargetSpec;

const NAME: &str = "config-reloader-sidecar";

/// Device and inode of an executable.
type Identity = (u64, u64);

/// The processes without those of the sidecar but this one.
pub(super) fn without_other_sidecars(table: Vec<Process>, spec: &TargetSpec, own_pid: i32) -> Vec<Process> {
    let own = identity("self");
    let keep = |process: &Process| {
        process.pid == own_pid || !is_sidecar(own, identity(&process.pid.to_string()), process, spec)
    };
    table.into_iter().filter(keep).collect()
}

fn identity(process: &str) -> Option<Identity> {
    let metadata = fs::metadata(format!("/proc/{process}/exe")).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// By the executable. A program of another file is another program, whatever its name. Where executables cannot
/// be compared, the name has to do, unless it is the one that is asked for.
fn is_sidecar(own: Option<Identity>, other: Option<Identity>, process: &Process, spec: &TargetSpec) -> bool {
    match (own, other) {
        (Some(own), Some(other)) => own == other,
        _ => is_named_so(process) && !(spec.name.is_some() && spec.accepts(process)),
    }
}

/// A zombie has no arguments left, only the 15 bytes that the kernel keeps.
fn is_named_so(process: &Process) -> bool {
    base_name(process) == NAME || process.arguments.is_empty() && process.comm == NAME[..15]
}

/// The processes above this one: what started it is no sign of a shared PID namespace either.
pub(super) fn ancestors(table: &[Process], own_pid: i32) -> Vec<&Process> {
    let find = |pid: i32| table.iter().find(|process| process.pid == pid);
    let parent = |process: &&Process| process.parent.filter(|pid| *pid != process.pid).and_then(find);
    // The table is not of one moment, so reused PIDs could make a circle of it.
    std::iter::successors(find(own_pid).and_then(|own| parent(&own)), parent).take(table.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, name: &str) -> Process {
        let parent = (parent > 0).then_some(parent);
        Process { pid, parent, comm: name.into(), ..Process::default() }
    }

    fn named(name: &str) -> Process {
        let arguments = vec![format!("/{name}").into(), "check".into()];
        Process { comm: name[..15].into(), arguments, ..process(7, 0, "") }
    }

    #[test]
    fn the_executable_tells_and_where_it_cannot_be_read_the_name() {
        let spec = |name: Option<&str>| TargetSpec { name: name.map(str::to_owned), pid_file: None };
        let (ours, theirs, nginx) = (Some((1, 2)), Some((1, 3)), spec(Some("nginx")));
        let (sidecar, alike) = (named(NAME), named("config-reloader-x"));
        let ended = Process { zombie: true, ..process(7, 0, "config-reloader") };
        for (own, other, process, spec, expected) in [
            (ours, ours, &sidecar, &nginx, true),
            (ours, ours, &sidecar, &spec(Some(NAME)), true),
            (ours, ours, &alike, &nginx, true),
            (ours, theirs, &sidecar, &nginx, false),
            (ours, None, &sidecar, &nginx, true),
            (None, theirs, &sidecar, &nginx, true),
            (ours, None, &ended, &nginx, true),
            (ours, None, &alike, &nginx, false),
            (ours, None, &sidecar, &spec(Some(NAME)), false),
            (ours, None, &sidecar, &spec(None), true),
        ] {
            assert_eq!(is_sidecar(own, other, process, spec), expected, "{own:?} {other:?} {process:?}");
        }
    }

    #[test]
    fn this_process_is_known_by_its_executable() {
        assert!(identity("self").is_some());
        assert_eq!(identity("self"), identity(&std::process::id().to_string()));
    }

    #[test]
    fn ancestors_end_at_the_namespace_and_in_a_circle() {
        let table = [process(1, 0, "init"), process(5, 1, "sh"), process(9, 5, "own"), process(7, 1, "app")];
        let pids = |own| ancestors(&table, own).iter().map(|process| process.pid).collect::<Vec<_>>();
        assert_eq!(pids(9), [5, 1]);
        assert_eq!(pids(1), [0; 0]);
        assert_eq!(pids(99), [0; 0]);
        let circle = [process(5, 9, "a"), process(9, 5, "b")];
        assert!(ancestors(&circle, 9).len() <= 2);
    }
}
