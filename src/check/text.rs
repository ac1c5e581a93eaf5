//! Text: the findings as a person reads them, one line each. Names in them are as they are; whoever prints them
//! escapes what a terminal must not see.

use super::{
    Findings, Handling, InotifyFacts, Kind, NamespaceFacts, PathFacts, Problem, ProcessFacts, Severity,
    SignalFacts, TargetFacts,
};

impl Findings {
    /// The lines: a section for each thing looked at, and what came of it at the end.
    pub fn lines(&self) -> Vec<String> {
        let facts = &self.facts;
        let sections = [
            ("Watched paths", facts.watched_paths.iter().map(path).collect()),
            ("Processes", processes(&facts.processes)),
            ("Signal", signal(&facts.signal)),
            ("inotify", facts.inotify.as_ref().map(inotify).unwrap_or_default()),
            ("PID namespace", vec![namespace(&facts.pid_namespace)]),
        ];
        let mut lines = Vec::new();
        for (heading, section) in sections {
            lines.push(heading.to_owned());
            lines.extend(section.into_iter().map(|line| format!("  {line}")));
        }
        lines.extend(self.of("Warnings:", Severity::Warning));
        if self.ok {
            let targets: Vec<String> = facts.signal.targets.iter().map(TargetFacts::title).collect();
            lines.push(String::new());
            let (signal, to) = (&facts.signal.signal, targets.join(", "));
            lines.push(format!("OK: a change would be delivered now: {signal} to {to}"));
        } else {
            lines.extend(self.of("Wrong:", Severity::Wrong));
        }
        lines
    }

    fn of(&self, heading: &str, severity: Severity) -> Vec<String> {
        let mut lines = Vec::new();
        for problem in self.problems.iter().filter(|problem| problem.severity == severity) {
            if lines.is_empty() {
                lines.extend([String::new(), heading.to_owned()]);
            }
            let Problem { code, what, mend, .. } = problem;
            let number = lines.len() / 2;
            lines.push(format!("  {number}. {}: {what}", code.name()));
            lines.push(format!("     mend: {mend}"));
        }
        lines
    }
}

fn path(facts: &PathFacts) -> String {
    let PathFacts { path, kind, kubelet_volume, sub_paths, readable, entries, digest, .. } = facts;
    let kind = match kind {
        Kind::Directory => "directory",
        Kind::File => "file",
        Kind::Special => "neither file nor directory",
        Kind::Missing => return format!("{path}: missing"),
    };
    let volume = if kubelet_volume.is_some() { "kubelet volume" } else { "no kubelet volume" };
    let sub_path = match sub_paths.iter().any(|sub_path| sub_path.of_kubelet) {
        true => "subPath",
        false if sub_paths.is_empty() => "no subPath",
        false => "a file mounted by itself",
    };
    let readable = if *readable { "readable" } else { "not readable" };
    let holds = match (entries, digest) {
        (Some(1), Some(digest)) => format!(", 1 entry, digest {digest}"),
        (Some(entries), Some(digest)) => format!(", {entries} entries, digest {digest}"),
        _ => String::new(),
    };
    format!("{path}: {kind}, {volume}, {sub_path}, {readable}{holds}")
}

fn processes(facts: &ProcessFacts) -> Vec<String> {
    let mut asked = Vec::new();
    asked.extend(facts.name.as_ref().map(|name| format!("PROCESS_NAME={name}")));
    asked.push(match &facts.pid_file {
        Some(path) => format!("PROCESS_PID_FILE={path}"),
        None => format!("PROCESS_SELECT={}", facts.select),
    });
    let mut lines = vec![asked.join(", ")];
    for found in &facts.matches {
        let chosen = found.why_not.map_or("chosen".to_owned(), |why| format!("not chosen, because {why}"));
        lines.push(format!("pid {} ({}): matches by {}; {chosen}", found.pid, found.name, found.by));
    }
    for miss in &facts.near_misses {
        lines.push(format!("pid {} ({}): no match, because {}", miss.pid, miss.name, miss.why_not));
    }
    if facts.matches.is_empty() && !facts.closest.is_empty() {
        let names: Vec<String> = facts.closest.iter().map(ToString::to_string).collect();
        lines.push(format!("other names, the closest first: {}", names.join(", ")));
    }
    lines
}

fn signal(facts: &SignalFacts) -> Vec<String> {
    let SignalFacts { signal, guard, effective_uid, cap_kill, targets, .. } = facts;
    let with = if *cap_kill { "with" } else { "without" };
    let mut lines =
        vec![format!("{signal}, SIGNAL_GUARD={guard}, sent by user {effective_uid} {with} CAP_KILL")];
    lines.extend(targets.iter().map(|target| {
        let id = |id: Option<u32>| id.map_or("unknown".to_owned(), |id| id.to_string());
        let permitted = if target.permitted { "permitted" } else { "not permitted" };
        let (real, saved) = (id(target.real_uid), id(target.saved_uid));
        let handled = handling(target.handling);
        format!("{}: user {real} (saved {saved}), {permitted}, {handled}", target.title())
    }));
    lines
}

fn handling(handling: Handling) -> &'static str {
    match handling {
        Handling::Caught => "it has a handler",
        Handling::Blocked => "it blocks the signal, to take it by itself (signalfd, sigwait)",
        Handling::Ignored => "it ignores the signal",
        Handling::Default => "it has no handler: the signal would kill or stop it",
        Handling::Unguarded => "it has no handler, and the signal is not guarded",
        Handling::Gone => "it ended",
    }
}

fn inotify(facts: &InotifyFacts) -> Vec<String> {
    let limit = |limit: Option<u64>| limit.map_or("unknown".to_owned(), |limit| limit.to_string());
    let (instances, watches) = (limit(facts.max_user_instances), limit(facts.max_user_watches));
    let can = if facts.can_watch { "can be watched" } else { "cannot be watched" };
    vec![
        format!("max_user_instances {instances}"),
        format!("max_user_watches {watches}"),
        format!("the watched paths {can} now"),
    ]
}

fn namespace(facts: &NamespaceFacts) -> String {
    let id = facts.id.as_deref().unwrap_or("unknown");
    let others = match facts.others {
        0 => "no process but the sidecar is visible".to_owned(),
        1 => "1 process beside the sidecar is visible".to_owned(),
        others => format!("{others} processes beside the sidecar are visible"),
    };
    format!("{id}, own pid {}, {others}", facts.own_pid)
}
