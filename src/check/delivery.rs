//! Delivery: would the kernel let the signal through to each target, and would the target handle it?

use std::fs;
use std::io;
use std::thread;
use std::time::Instant;

use nix::libc;
use serde::Serialize;

use super::problem::{Code, Problem};
use crate::process::Pinned;
use crate::settings::{ReloadSignal, Settings, SignalGuard};
use crate::signal::{Disposition, Guard, MOMENT, Refusal, Verdict, disposition};

/// Who sends which signal to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalFacts {
    /// `RELOAD_SIGNAL`.
    pub signal: String,
    /// `SIGNAL_GUARD`.
    pub guard: &'static str,
    /// The sidecar's real user ID.
    pub real_uid: u32,
    /// The sidecar's effective user ID.
    pub effective_uid: u32,
    /// Whether the sidecar may signal any user's processes.
    pub cap_kill: bool,
    /// The targets.
    pub targets: Vec<TargetFacts>,
}

/// What there is to know of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetFacts {
    /// Its PID.
    pub pid: i32,
    /// Its name in full.
    pub name: String,
    /// Its real user ID.
    pub real_uid: Option<u32>,
    /// Its saved user ID.
    pub saved_uid: Option<u32>,
    /// Whether the kernel would let the signal through.
    pub permitted: bool,
    /// Why it would not.
    pub refusal: Option<String>,
    /// What the target does with the signal.
    pub handling: Handling,
}

/// What a target does with the signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handling {
    /// It has a handler.
    Caught,
    /// It blocks it, to take it when it wants to (signalfd, sigwait).
    Blocked,
    /// It ignores it.
    Ignored,
    /// It does nothing about it, and the signal would kill or stop it.
    Default,
    /// It does nothing about it, and the signal is one that is sent all the same.
    Unguarded,
    /// It ended.
    Gone,
}

/// `CAP_KILL` of capabilities(7).
const CAP_KILL: u32 = 5;

/// Two do, unless the target starts threads without a pause.
const MOST_LOOKS: u32 = 5;

impl SignalFacts {
    /// Looks at the targets; with `patience` a second time where one look does not tell.
    pub(super) fn gather(targets: &[Pinned], settings: &Settings, patience: bool) -> Self {
        let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let signal = settings.reload_signal;
        Self {
            signal: signal.to_string(),
            guard: settings.signal_guard.name(),
            real_uid: nix::unistd::getuid().as_raw(),
            effective_uid: nix::unistd::geteuid().as_raw(),
            cap_kill: has_cap_kill(&own),
            targets: targets.iter().map(|target| TargetFacts::gather(target, signal, patience)).collect(),
        }
    }

    /// What stands between the signal and the targets.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let guarded = self.guard == SignalGuard::Wait.name();
        let mut problems = Vec::new();
        for target in &self.targets {
            problems.extend(self.refused(target));
            // What it does with a signal that never comes is the second question, and yet the same pod's.
            problems.extend(target.unhandled(&self.signal, guarded));
        }
        problems
    }

    fn refused(&self, target: &TargetFacts) -> Option<Problem> {
        let refusal = target.refusal.as_ref()?;
        let problem = Problem::told(Code::NotPermitted, &target.title(), refusal);
        let ids = match (target.real_uid, target.saved_uid) {
            (Some(real), Some(saved)) if real == saved => format!(" of user {real}"),
            (Some(real), Some(saved)) => format!(" of user {real}, saved {saved}"),
            _ => String::new(),
        };
        let without = if self.cap_kill { "" } else { ", and the sidecar has no CAP_KILL" };
        let what = format!("cannot signal {}{ids}: {}{without}", target.title(), problem.what);
        Some(Problem { what, ..problem })
    }
}

impl TargetFacts {
    fn gather(target: &Pinned, signal: ReloadSignal, patience: bool) -> Self {
        let status = fs::read_to_string(format!("/proc/{}/status", target.pid)).unwrap_or_default();
        let uids = uids(&status);
        // Signal 0 is none: the kernel only says whether it would let one through (kill(2)).
        let refusal = target.kill(0).err().filter(|error| error.raw_os_error() != Some(libc::ESRCH));
        Self {
            pid: target.pid,
            name: target.name.clone(),
            real_uid: uids.map(|(real, _)| real),
            saved_uid: uids.map(|(_, saved)| saved),
            permitted: refusal.is_none(),
            refusal: refusal.map(|error| refusal_of(error).to_string()),
            handling: handling(target, signal, patience),
        }
    }

    pub(super) fn title(&self) -> String {
        format!("pid {} ({})", self.pid, self.name)
    }

    fn unhandled(&self, signal: &str, guarded: bool) -> Option<Problem> {
        let title = self.title();
        let right = "set RELOAD_SIGNAL to the one that makes it reload";
        match self.handling {
            Handling::Default if guarded => {
                let what = format!(
                    "{title} has no handler for {signal}, which would kill or stop it: it is held back until \
                     there is one"
                );
                let mend = format!("{right}, or let the application handle it (it may only be starting)");
                Some(Problem::wrong(Code::NotHandled, &title, what, &mend))
            }
            Handling::Default => {
                let what = format!(
                    "{title} has no handler for {signal}, which would kill or stop it, and SIGNAL_GUARD=off \
                     sends it all the same"
                );
                let mend = format!("{right}, or SIGNAL_GUARD=wait");
                Some(Problem::wrong(Code::NotHandled, &title, what, &mend).warning())
            }
            Handling::Ignored => {
                let what = format!("{title} ignores {signal}: it would be delivered, and change nothing");
                Some(Problem::wrong(Code::SignalIgnored, &title, what, right).warning())
            }
            Handling::Gone => {
                let what = format!("{title} ended while it was looked at");
                Some(Problem::wrong(Code::NoMatch, &title, what, "look again when the process is there"))
            }
            Handling::Caught | Handling::Blocked | Handling::Unguarded => None,
        }
    }
}

fn refusal_of(error: io::Error) -> Refusal {
    match error.raw_os_error() {
        Some(libc::EPERM) => Refusal::NotPermitted { uid: nix::unistd::geteuid().as_raw() },
        _ => Refusal::Other(error),
    }
}

fn handling(target: &Pinned, signal: ReloadSignal, patience: bool) -> Handling {
    let mut guard = Guard::default();
    let verdict = decided(patience, || guard.look(target, false, signal, Instant::now()));
    match verdict {
        Err(_) => Handling::Gone,
        Ok(Verdict::HoldBack) => Handling::Default,
        Ok(Verdict::SendInVain) => Handling::Ignored,
        Ok(Verdict::Send | Verdict::Undecided) => match disposition(target.pid, signal.number()) {
            Err(_) => Handling::Gone,
            Ok(Disposition::Blocked) => Handling::Blocked,
            Ok(Disposition::Caught) => Handling::Caught,
            Ok(Disposition::Ignored) => Handling::Ignored,
            Ok(Disposition::Default) => Handling::Unguarded,
        },
    }
}

/// A C library blocks everything for a moment; what still does after that means it.
fn decided(patience: bool, mut look: impl FnMut() -> io::Result<Verdict>) -> io::Result<Verdict> {
    let mut verdict = look();
    for _ in 0..MOST_LOOKS {
        if !patience || !matches!(verdict, Ok(Verdict::Undecided)) {
            break;
        }
        thread::sleep(MOMENT);
        verdict = look();
    }
    verdict
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

/// Real and saved user ID: the first and third of four (proc_pid_status(5)).
fn uids(status: &str) -> Option<(u32, u32)> {
    let mut ids = field(status, "Uid")?.split_ascii_whitespace().map(str::parse);
    Some((ids.next()?.ok()?, ids.nth(1)?.ok()?))
}

fn has_cap_kill(status: &str) -> bool {
    let mask = field(status, "CapEff").and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> CAP_KILL & 1 == 1)
}

#[cfg(test)]
mod tests;
