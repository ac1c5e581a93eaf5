//! The system calls that no safe crate of ours offers: the only `unsafe` code of the program.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use tokio::io::unix::AsyncFd;

/// A handle on a process that no reuse of its PID can redirect (pidfd_open(2)).
pub(crate) fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: two integers are passed, and the kernel writes no memory of ours.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = RawFd::try_from(Errno::result(result)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor, and nothing else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a signal to the process of the handle (pidfd_send_signal(2)).
pub(crate) fn pidfd_send_signal(pidfd: &OwnedFd, signal: i32) -> io::Result<()> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open for as long as it is borrowed, and a null `info` is allowed: the
    // kernel then fills in what kill(2) would.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, no_info, 0) };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

/// Sends a signal, real-time ones included, to one process (kill(2)). Zero and below would be groups of
/// processes, and are refused.
pub(crate) fn kill(pid: i32, signal: i32) -> io::Result<()> {
    if pid <= 0 {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // SAFETY: two integers are passed, and the kernel writes no memory of ours.
    let result = unsafe { libc::kill(pid, signal) };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

/// Asks the scheduler for turns of this length, for this thread and those that it will start; kernels before 6.12 take
/// no notice (sched_setattr(2)). Another policy than the usual one is left alone.
pub(crate) fn set_time_slice(slice: Duration) -> io::Result<()> {
    let mut attributes = scheduling()?;
    if i64::from(attributes.sched_policy) == i64::from(libc::SCHED_OTHER) {
        attributes.sched_runtime = u64::try_from(slice.as_nanos()).map_err(io::Error::other)?;
        set_scheduling(attributes)?;
    }
    Ok(())
}

fn scheduling() -> io::Result<libc::sched_attr> {
    // SAFETY: all of its fields are integers.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    let (own, size, no_flags) = (0, size_of::<libc::sched_attr>(), 0);
    // SAFETY: the structure is alive, and the kernel writes no more of it than the size that it is told.
    let result = unsafe { libc::syscall(libc::SYS_sched_getattr, own, &raw mut attributes, size, no_flags) };
    Errno::result(result)?;
    Ok(attributes)
}

fn set_scheduling(mut attributes: libc::sched_attr) -> io::Result<()> {
    attributes.size = u32::try_from(size_of::<libc::sched_attr>()).map_err(io::Error::other)?;
    let (own, no_flags) = (0, 0);
    // SAFETY: the structure is alive, and the kernel only reads it, up to the size that it tells.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, own, &raw const attributes, no_flags) };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

/// Readiness of a file descriptor, for the loop.
pub(crate) fn async_fd(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, is the same descriptor for as long as it lives, and lives in what is returned.
    unsafe { AsyncFd::register(fd) }.map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_processes_are_never_signalled() {
        for pid in [0, -1, -2, i32::MIN] {
            assert_eq!(kill(pid, 0).unwrap_err().raw_os_error(), Some(libc::ESRCH), "{pid}");
        }
    }

    #[test]
    fn a_handle_outlives_its_process() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pidfd = pidfd_open(i32::try_from(child.id()).unwrap()).unwrap();
        pidfd_send_signal(&pidfd, 0).unwrap();
        pidfd_send_signal(&pidfd, libc::SIGKILL).unwrap();
        child.wait().unwrap();
        assert_eq!(pidfd_send_signal(&pidfd, 0).unwrap_err().raw_os_error(), Some(libc::ESRCH));
    }

    /// In a thread of its own, which takes its scheduling with it.
    fn in_a_thread(test: fn()) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn a_time_slice_is_all_that_changes_and_new_threads_have_it_too() {
        in_a_thread(|| {
            let before = scheduling().unwrap();
            set_time_slice(Duration::from_micros(100)).unwrap();
            let after = scheduling().unwrap();
            assert_eq!((after.sched_policy, after.sched_nice), (before.sched_policy, before.sched_nice));
            let is_told = before.sched_runtime != 0;
            assert_eq!(after.sched_runtime, if is_told { 100_000 } else { 0 }, "told since Linux 6.12");
            let inherited = std::thread::spawn(|| scheduling().unwrap().sched_runtime).join().unwrap();
            assert_eq!(inherited, after.sched_runtime);
        });
    }

    #[test]
    fn a_thread_that_was_made_nicer_stays_so() {
        in_a_thread(|| {
            let mut nicer = scheduling().unwrap();
            nicer.sched_nice = 7;
            set_scheduling(nicer).unwrap();
            set_time_slice(Duration::from_micros(100)).unwrap();
            assert_eq!(scheduling().unwrap().sched_nice, 7);
        });
    }

    #[test]
    fn another_policy_is_left_alone() {
        in_a_thread(|| {
            let mut batch = scheduling().unwrap();
            batch.sched_policy = u32::try_from(libc::SCHED_BATCH).unwrap();
            set_scheduling(batch).unwrap();
            let before = scheduling().unwrap().sched_runtime;
            set_time_slice(Duration::from_micros(100)).unwrap();
            let after = scheduling().unwrap();
            assert_eq!((after.sched_policy, after.sched_runtime), (batch.sched_policy, before));
        });
    }
}
