//! Signal: sends the reload signal to a pinned target, and says what came of it.

mod aftermath;
mod guard;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use nix::libc;

use crate::process::Pinned;
use crate::settings::{ReloadSignal, SignalGuard};

pub use aftermath::{Aftermath, Watched};
pub use guard::{Disposition, Guard, Verdict};
pub(crate) use guard::{MOMENT, disposition};

/// What came of the signal to one target.
#[derive(Debug)]
pub enum Outcome {
    /// The kernel took it.
    Delivered,
    /// It already has this configuration, by an earlier signal.
    UpToDate,
    /// It started after the change, and so has read it.
    Superseded,
    /// The kernel took it, and the target ignores it.
    Ignored,
    /// Not sent: the target does not handle it (yet), and the default action would kill or stop it.
    HeldBack,
    /// Not sent: whether the target handles it takes a second look.
    Undecided,
    /// It ended before the signal.
    Gone,
    /// The kernel refused it.
    Refused(Refusal),
}

/// Why the kernel refused the signal, and what to change.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Another user's process.
    #[error(
        "EPERM: the kernel does not let user {uid} signal it; run the sidecar as the application's user \
         (runAsUser), or as root with capability KILL (drop: [ALL], add: [KILL])"
    )]
    NotPermitted {
        /// The sidecar's effective user ID.
        uid: u32,
    },
    /// Anything else.
    #[error("the kernel refused the signal: {0}")]
    Other(#[source] io::Error),
}

/// What was done about one target.
#[derive(Debug)]
pub struct Attempt {
    /// The target.
    pub target: Arc<Pinned>,
    /// What came of it.
    pub outcome: Outcome,
    /// When.
    pub at: Instant,
}

/// Sends the signal once, if the guard lets it; whether the target was seen to catch it a moment ago is known.
pub fn send(
    signal: ReloadSignal,
    target: &Pinned,
    was_caught: bool,
    mode: SignalGuard,
    guard: &mut Guard,
) -> Outcome {
    let verdict = match mode {
        SignalGuard::Off => Verdict::Send,
        SignalGuard::Wait => match guard.look(target, was_caught, signal, Instant::now()) {
            Ok(verdict) => verdict,
            // What cannot be looked at is most likely gone; if not, it is looked at again.
            Err(_) => return Outcome::Gone,
        },
    };
    let taken = match verdict {
        Verdict::HoldBack => return Outcome::HeldBack,
        Verdict::Undecided => return Outcome::Undecided,
        Verdict::Send => Outcome::Delivered,
        Verdict::SendInVain => Outcome::Ignored,
    };
    target.kill(signal.number()).map_or_else(refusal, |()| taken)
}

fn refusal(error: io::Error) -> Outcome {
    match error.raw_os_error() {
        Some(libc::ESRCH) => Outcome::Gone,
        Some(libc::EPERM) => Outcome::Refused(Refusal::NotPermitted { uid: nix::unistd::geteuid().as_raw() }),
        _ => Outcome::Refused(Refusal::Other(error)),
    }
}

impl Outcome {
    /// Whether nothing is left to do for this target.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Delivered | Self::Ignored | Self::UpToDate | Self::Superseded)
    }

    /// Whether a signal was sent.
    pub fn is_sent(&self) -> bool {
        matches!(self, Self::Delivered | Self::Ignored)
    }
}
