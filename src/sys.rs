//! The system calls that no safe crate of ours offers: the only `unsafe` code of the program.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

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
}
