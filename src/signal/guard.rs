//! Guard: would the signal harm the target? (contract 5)

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use nix::libc;

use crate::process::{Pinned, ProcessId};
use crate::settings::ReloadSignal;

/// Signals that harm nobody who does not handle them (signal(7): "Ign", "Cont"), and those that cannot be
/// handled at all, which a user asks for by name.
const UNGUARDED: [i32; 6] =
    [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH, libc::SIGKILL, libc::SIGSTOP];

/// A C library blocks all signals for the moment in which it starts a thread or a process. A target that waits
/// for signals (signalfd, sigwait) keeps them blocked for longer than that.
pub(crate) const MOMENT: Duration = Duration::from_millis(20);

/// What a process does with a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It has a handler.
    Caught,
    /// All its threads block it.
    Blocked,
    /// It ignores it.
    Ignored,
    /// The default action would be taken.
    Default,
}

/// Whether the signal may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is handled, or harms nobody.
    Send,
    /// It can be sent, and will be ignored.
    SendInVain,
    /// It is blocked, which may be for a moment only: to be looked at again.
    Undecided,
    /// Its default action would kill or stop the target.
    HoldBack,
}

/// Remembers since when which target blocks the signal.
#[derive(Debug, Default)]
pub struct Guard {
    blocked_since: BTreeMap<ProcessId, Instant>,
}

impl Guard {
    /// Looks at the target; an error if it is gone.
    pub fn look(&mut self, target: &Pinned, signal: ReloadSignal, now: Instant) -> io::Result<Verdict> {
        if UNGUARDED.contains(&signal.number()) {
            return Ok(Verdict::Send);
        }
        Ok(self.judge(target.id(), disposition(target.pid, signal.number())?, now))
    }

    /// Forgets all targets but these.
    pub fn keep(&mut self, targets: &[ProcessId]) {
        self.blocked_since.retain(|target, _| targets.contains(target));
    }

    /// The rule of the guard, on what was seen.
    pub(crate) fn judge(&mut self, target: ProcessId, disposition: Disposition, now: Instant) -> Verdict {
        if disposition != Disposition::Blocked {
            self.blocked_since.remove(&target);
        }
        match disposition {
            Disposition::Caught => Verdict::Send,
            Disposition::Ignored => Verdict::SendInVain,
            Disposition::Default => Verdict::HoldBack,
            Disposition::Blocked => {
                let since = *self.blocked_since.entry(target).or_insert(now);
                if now.duration_since(since) >= MOMENT { Verdict::Send } else { Verdict::Undecided }
            }
        }
    }
}

/// What the process does with the signal now; an error if it is gone.
pub(crate) fn disposition(pid: i32, signal: i32) -> io::Result<Disposition> {
    let main = fs::read_to_string(format!("/proc/{pid}/status"))?;
    match of_thread(&main, signal) {
        Some(Disposition::Blocked) => {
            // Handlers are the process's, blocking is each thread's: one that does not block it would take it.
            for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
                let status = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
                if of_thread(&status, signal) == Some(Disposition::Default) {
                    return Ok(Disposition::Default);
                }
            }
            Ok(Disposition::Blocked)
        }
        known => known.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData)),
    }
}

/// From the masks of proc_pid_status(5), in which bit N-1 is signal N.
fn of_thread(status: &str, signal: i32) -> Option<Disposition> {
    let has = |field: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(field))?.trim();
        Some(u64::from_str_radix(mask, 16).ok()? >> (signal - 1) & 1 == 1)
    };
    Some(if has("SigCgt:")? {
        Disposition::Caught
    } else if has("SigIgn:")? {
        Disposition::Ignored
    } else if has("SigBlk:")? {
        Disposition::Blocked
    } else {
        Disposition::Default
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::StartTime;
    use proptest::prelude::*;

    fn status(blocked: u64, ignored: u64, caught: u64) -> String {
        format!("Name:\tx\nSigBlk:\t{blocked:016x}\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n")
    }

    proptest! {
        #[test]
        fn masks_are_read_bit_by_bit(blocked: u64, ignored: u64, caught: u64, signal in 1..=64i32) {
            let bit = |mask: u64| mask & (1 << (signal - 1)) != 0;
            let expected = match (bit(caught), bit(ignored), bit(blocked)) {
                (true, _, _) => Disposition::Caught,
                (_, true, _) => Disposition::Ignored,
                (_, _, true) => Disposition::Blocked,
                _ => Disposition::Default,
            };
            prop_assert_eq!(of_thread(&status(blocked, ignored, caught), signal), Some(expected));
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_handled() {
        assert_eq!(of_thread("", 1), None);
        assert_eq!(of_thread("SigCgt:\tzz\n", 1), None);
        assert!(disposition(i32::MAX, 1).is_err());
    }

    #[test]
    fn only_lasting_blocks_count() {
        let (mut guard, start) = (Guard::default(), Instant::now());
        let target = ProcessId { pid: 7, started: StartTime::from_ticks(1) };
        let mut at = |ms, disposition| guard.judge(target, disposition, start + Duration::from_millis(ms));
        assert_eq!(at(0, Disposition::Blocked), Verdict::Undecided);
        assert_eq!(at(19, Disposition::Blocked), Verdict::Undecided);
        assert_eq!(at(20, Disposition::Blocked), Verdict::Send);
        assert_eq!(at(30, Disposition::Default), Verdict::HoldBack);
        assert_eq!(at(31, Disposition::Blocked), Verdict::Undecided, "counted anew");
        assert_eq!(at(32, Disposition::Ignored), Verdict::SendInVain);
        assert_eq!(at(33, Disposition::Caught), Verdict::Send);
    }

    #[test]
    fn memory_is_of_the_targets_only() {
        let mut guard = Guard::default();
        for pid in 1..100 {
            let target = ProcessId { pid, started: StartTime::from_ticks(1) };
            guard.judge(target, Disposition::Blocked, Instant::now());
            guard.keep(&[target]);
            assert_eq!(guard.blocked_since.len(), 1);
        }
    }
}
