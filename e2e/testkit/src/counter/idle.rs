//! Passes the time in the main thread, so that a counter without handlers has no other: the C
//! library blocks all signals for a moment when it starts a thread, and that would show.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;

use super::options::Options;

/// What ends the process while it passes the time.
pub(super) struct Idle {
    end: Option<Instant>,
    watches_stdin: bool,
}

impl Idle {
    pub(super) fn new(options: &Options) -> Idle {
        let after = options.exit_after_ms.map(Duration::from_millis);
        let end = after.and_then(|after| Instant::now().checked_add(after));
        Idle { end, watches_stdin: options.until_stdin_closes }
    }

    /// Returns after `duration`, if the process does not end before.
    pub(super) fn pass(&self, duration: Duration) -> io::Result<()> {
        let back = Instant::now().checked_add(duration);
        loop {
            let now = Instant::now();
            if self.end.is_some_and(|end| end <= now) {
                std::process::exit(0);
            }
            if back.is_some_and(|back| back <= now) {
                return Ok(());
            }
            let next = [self.end, back].into_iter().flatten().min();
            self.wait(next.map(|next| next.saturating_duration_since(now)))?;
        }
    }

    /// Waits for a signal, the end of the standard input, or the end of `time`.
    fn wait(&self, time: Option<Duration>) -> io::Result<()> {
        let stdin = io::stdin();
        let mut watched = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let watched = if self.watches_stdin { &mut watched[..] } else { &mut [] };
        // A millisecond more, as the rest of one is cut; the caller loops if it is not enough.
        let timeout = time.map_or(PollTimeout::NONE, |time| {
            PollTimeout::try_from(time.as_millis() + 1).unwrap_or(PollTimeout::MAX)
        });
        match poll(watched, timeout) {
            Ok(0) | Err(Errno::EINTR) => return Ok(()),
            result => result?,
        };
        match read(stdin.as_fd(), &mut [0; 256]) {
            Ok(0) => std::process::exit(0),
            Err(error) if error != Errno::EINTR => Err(error.into()),
            _ => Ok(()),
        }
    }
}
