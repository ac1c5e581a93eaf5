//! Guard: would the signal harm the target? (contract 5)

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::libc;

use crate::process::{Pinned, ProcessId, boot_time};
use crate::settings::ReloadSignal;

/// Signals that harm nobody who does not handle them (signal(7): "Ign", "Cont"), and those that cannot be
/// handled at all, which a user asks for by name.
const UNGUARDED: [i32; 6] =
    [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH, libc::SIGKILL, libc::SIGSTOP];

/// A C library blocks all signals for the moment in which it starts a thread or a process. A target that waits
/// for signals (signalfd, sigwait) keeps them blocked for longer than that.
pub(crate) const MOMENT: Duration = Duration::from_millis(20);

/// More than its groups and CPUs make it (proc_pid_status(5)).
const LONGEST_STATUS: u64 = 1 << 20;

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

/// A program that executes itself upon a reload (HAProxy's master) blocks and ignores the signal until it handles
/// it again, and what comes meanwhile is lost. One that has handled it, or has just started, is given this long;
/// with a large configuration it takes seconds.
const RESTART: Duration = Duration::from_secs(10);

/// Whether the signal may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is handled, or harms nobody.
    Send,
    /// It can be sent, and will be ignored.
    SendInVain,
    /// It is blocked or ignored, which may be for a moment only: to be looked at again.
    Undecided,
    /// Its default action would kill or stop the target.
    HoldBack,
}

/// Remembers which target handled the signal, and since when which one does not.
#[derive(Debug, Default)]
pub struct Guard {
    targets: BTreeMap<ProcessId, Seen>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    handled: bool,
    /// Since when it blocks or ignores the signal.
    passive_since: Option<Instant>,
}

impl Guard {
    /// Looks at the target; an error if it is gone. That it was seen to catch the signal a moment ago saves the look
    /// into `/proc/PID/status`, which the kernel takes three times as long to write as `stat`.
    pub fn look(
        &mut self,
        target: &Pinned,
        was_caught: bool,
        signal: ReloadSignal,
        now: Instant,
    ) -> io::Result<Verdict> {
        if UNGUARDED.contains(&signal.number()) {
            return Ok(Verdict::Send);
        }
        let disposition =
            if was_caught { Disposition::Caught } else { disposition(target.pid, signal.number())? };
        Ok(self.judge(target.id(), disposition, now, boot_time()))
    }

    /// Forgets all targets but these.
    pub fn keep(&mut self, targets: &[ProcessId]) {
        self.targets.retain(|target, _| targets.contains(target));
    }

    /// The rule of the guard, on what was seen.
    pub(crate) fn judge(
        &mut self,
        target: ProcessId,
        disposition: Disposition,
        now: Instant,
        since_boot: Duration,
    ) -> Verdict {
        let is_young = !target.started.is_before(since_boot.saturating_sub(RESTART));
        let seen = self.targets.entry(target).or_default();
        let patience = if seen.handled { RESTART } else { MOMENT };
        match disposition {
            Disposition::Caught => {
                *seen = Seen { handled: true, passive_since: None };
                return Verdict::Send;
            }
            Disposition::Default => {
                seen.passive_since = None;
                return Verdict::HoldBack;
            }
            Disposition::Ignored if !seen.handled => {
                // It may be starting: HAProxy's master ignores the signal until its worker runs.
                return if is_young { Verdict::Undecided } else { Verdict::SendInVain };
            }
            Disposition::Ignored | Disposition::Blocked => {}
        }
        let since = *seen.passive_since.get_or_insert(now);
        if now.duration_since(since) < patience {
            Verdict::Undecided
        } else if disposition == Disposition::Blocked {
            Verdict::Send
        } else {
            Verdict::SendInVain
        }
    }
}

/// What the process does with the signal now; an error if it is gone.
pub(crate) fn disposition(pid: i32, signal: i32) -> io::Result<Disposition> {
    let main = read_status(Path::new(&format!("/proc/{pid}/status")))?;
    match of_thread(&main, signal) {
        Some(Disposition::Blocked) => {
            // Handlers are the process's, blocking is each thread's: one that does not block it would take it.
            for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
                let status = read_status(&thread?.path().join("status")).unwrap_or_default();
                if of_thread(&status, signal) == Some(Disposition::Default) {
                    return Ok(Disposition::Default);
                }
            }
            Ok(Disposition::Blocked)
        }
        known => known.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData)),
    }
}

/// In one piece nearly always: read piece by piece, the kernel writes it anew for each.
fn read_status(path: &Path) -> io::Result<String> {
    let mut status = String::with_capacity(4096);
    File::open(path)?.take(LONGEST_STATUS).read_to_string(&mut status)?;
    Ok(status)
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

    /// Long after the targets of these tests started.
    const OLD: Duration = Duration::from_hours(1);

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
        let mut at =
            |ms, disposition| guard.judge(target, disposition, start + Duration::from_millis(ms), OLD);
        assert_eq!(at(0, Disposition::Blocked), Verdict::Undecided);
        assert_eq!(at(19, Disposition::Blocked), Verdict::Undecided);
        assert_eq!(at(20, Disposition::Blocked), Verdict::Send);
        assert_eq!(at(30, Disposition::Default), Verdict::HoldBack);
        assert_eq!(at(31, Disposition::Blocked), Verdict::Undecided, "counted anew");
        assert_eq!(at(32, Disposition::Ignored), Verdict::SendInVain, "no handler was ever there");
        assert_eq!(at(33, Disposition::Caught), Verdict::Send);
    }

    /// What HAProxy's master goes through after each reload.
    #[test]
    fn one_that_handled_it_and_executes_itself_is_waited_for() {
        use Disposition::{Blocked, Caught, Default, Ignored};
        let (mut guard, start) = (Guard::default(), Instant::now());
        let target = ProcessId { pid: 7, started: StartTime::from_ticks(1) };
        let mut at =
            |ms, disposition| guard.judge(target, disposition, start + Duration::from_millis(ms), OLD);
        assert_eq!(at(0, Ignored), Verdict::SendInVain, "it never handled it");
        assert_eq!(at(100, Caught), Verdict::Send);
        assert_eq!(at(200, Blocked), Verdict::Undecided);
        assert_eq!(at(300, Ignored), Verdict::Undecided);
        assert_eq!(at(400, Caught), Verdict::Send);
        assert_eq!(at(500, Default), Verdict::HoldBack);
        assert_eq!(at(600, Ignored), Verdict::Undecided, "counted anew");
        assert_eq!(at(10_599, Blocked), Verdict::Undecided);
        assert_eq!(at(10_600, Blocked), Verdict::Send, "it has taken to waiting for it");
        assert_eq!(at(10_700, Ignored), Verdict::SendInVain, "or does not want it any more");
    }

    #[test]
    fn one_that_ignores_it_while_it_starts_is_waited_for() {
        let (mut guard, now) = (Guard::default(), Instant::now());
        let target = ProcessId { pid: 7, started: StartTime::from_ticks(100) };
        let mut at_age = |age| guard.judge(target, Disposition::Ignored, now, Duration::from_secs(1) + age);
        assert_eq!(at_age(Duration::ZERO), Verdict::Undecided);
        assert_eq!(at_age(RESTART), Verdict::Undecided, "its start is known to a tick only");
        assert_eq!(at_age(RESTART + Duration::from_millis(10)), Verdict::SendInVain);
    }

    #[test]
    fn memory_is_of_the_targets_only() {
        let mut guard = Guard::default();
        for pid in 1..100 {
            let target = ProcessId { pid, started: StartTime::from_ticks(1) };
            guard.judge(target, Disposition::Blocked, Instant::now(), OLD);
            guard.keep(&[target]);
            assert_eq!(guard.targets.len(), 1);
        }
    }
}
