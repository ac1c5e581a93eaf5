//! A process held between the choice and the signal, so that no other gets its PID meanwhile.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::proc::Held;
use super::{MatchedBy, Process, TargetSpec, base_name, matched_by, proc};
use crate::sys;

/// When a process started, in clock ticks since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StartTime(u64);

/// PID and start time: what names a process for good, for its PID alone will be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    /// The PID.
    pub pid: i32,
    /// When the process started.
    pub started: StartTime,
}

/// `USER_HZ`, which is 100 on every architecture that we build for (proc_pid_stat(5), `sysconf(_SC_CLK_TCK)`).
const TICK_MILLIS: u64 = 10;

impl StartTime {
    /// A start time of this many ticks.
    pub fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    /// Whether the process is certain to have started after this time since boot. The kernel rounds a
    /// start down to a tick.
    pub fn is_after(self, moment: Duration) -> bool {
        self.since_boot() > moment
    }

    /// Whether the process is certain to have started before this time since boot.
    pub fn is_before(self, moment: Duration) -> bool {
        self.since_boot() + Duration::from_millis(TICK_MILLIS) <= moment
    }

    fn since_boot(self) -> Duration {
        Duration::from_millis(self.0.saturating_mul(TICK_MILLIS))
    }
}

/// Time since boot, by the clock that start times are counted in (`CLOCK_BOOTTIME`).
pub fn boot_time() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::MAX, Duration::from)
}

/// A target that is certain to be the process that was chosen, for as long as it is held.
#[derive(Debug)]
pub struct Pinned {
    /// Its PID.
    pub pid: i32,
    /// When it started.
    pub started: StartTime,
    /// Its name in full.
    pub name: String,
    /// Whether it was matched by the first 15 bytes of a longer name.
    pub name_was_cut: bool,
    pidfd: Option<OwnedFd>,
    pub(super) held: Held,
}

/// Takes hold of the process and looks again whether it is the one: `None` if it is gone, or another one.
pub fn pin(chosen: &Process, spec: &TargetSpec) -> Option<Pinned> {
    // Without pidfd (before Linux 5.3, or refused by an old seccomp profile) the start time has to do.
    let pidfd = sys::pidfd_open(chosen.pid).ok();
    let held = Held::open(chosen.pid).ok()?;
    let now = Some(&held.process).filter(|now| !now.zombie && spec.accepts(now))?;
    let started = now.started.filter(|started| Some(*started) == chosen.started)?;
    let by = spec.name.as_ref().and_then(|name| matched_by(name, now));
    let name_was_cut = by == Some(MatchedBy::CutComm);
    Some(Pinned { pid: chosen.pid, started, name: base_name(now), name_was_cut, pidfd, held })
}

impl Pinned {
    /// What names this process for good.
    pub fn id(&self) -> ProcessId {
        ProcessId { pid: self.pid, started: self.started }
    }

    /// Sends the signal to this process and no other; `ESRCH` if it is gone.
    pub(crate) fn kill(&self, signal: i32) -> io::Result<()> {
        if let Some(pidfd) = &self.pidfd {
            match sys::pidfd_send_signal(pidfd, signal) {
                // Kernel 5.1 to 5.2 and some sandboxes have one call without the other.
                Err(e) if e.raw_os_error() == Some(nix::libc::ENOSYS) => (),
                result => return result,
            }
        }
        match proc::read_stat(self.pid) {
            Ok(now) if now.started == Some(self.started) => sys::kill(self.pid, signal),
            _ => Err(io::Error::from_raw_os_error(nix::libc::ESRCH)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_in_the_tick_of_the_moment_is_not_certainly_after_it() {
        let at = |ms| Duration::from_millis(ms);
        assert!(!StartTime(100).is_after(at(1000)));
        assert!(!StartTime(100).is_after(at(1009)));
        assert!(StartTime(101).is_after(at(1009)));
        assert!(StartTime(u64::MAX).is_after(at(1000)) && !StartTime(u64::MAX).is_before(at(1000)));
        assert!(!StartTime(100).is_before(at(1009)));
        assert!(StartTime(100).is_before(at(1010)));
        // 2^32 ticks are 497 days.
        let late = (1 << 32) + 100;
        assert!(StartTime(late).is_before(at(late * 10 + 10)) && StartTime(late).is_after(at(late * 10 - 1)));
    }

    #[test]
    fn our_own_start_is_in_the_past() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(!proc::read(own).unwrap().started.unwrap().is_after(boot_time()));
    }
}
