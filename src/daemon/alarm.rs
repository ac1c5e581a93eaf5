//! Alarm: wakes the loop at a moment.
//!
//! `tokio`'s timers would do, but their wheel wakes the thread up to three times for one that is a minute away;
//! a timer of the kernel wakes it once.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

use crate::sys;

#[derive(Debug)]
pub(super) struct Alarm {
    timer: TimerFd,
    expired: AsyncFd<OwnedFd>,
}

impl Alarm {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let expired = sys::async_fd(timer.as_fd().try_clone_to_owned()?)?;
        Ok(Self { timer, expired })
    }

    /// Resolves at the deadline, or never.
    pub(super) async fn wait_until(&self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return std::future::pending().await };
        loop {
            let wait = deadline.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return;
            }
            let once = Expiration::OneShot(TimeSpec::from(wait));
            let set = self.timer.set(once, TimerSetTimeFlags::empty());
            match (set, self.expired.readable().await) {
                // It may have been an earlier setting that expired.
                (Ok(()), Ok(mut ready)) => ready.clear_ready(),
                // Neither is refused where a timer is there; if they were, the loop still would have to wake.
                _ => return tokio::time::sleep_until(deadline.into()).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_wakes_at_the_deadline_and_not_before_whatever_was_set_earlier() {
        let alarm = Alarm::new().unwrap();
        let in_ms = |ms| Instant::now() + Duration::from_millis(ms);
        alarm.wait_until(Some(Instant::now())).await;
        for ms in [1, 5, 20] {
            // Given up, as the loop does when a mark comes first.
            let _ = tokio::time::timeout(Duration::from_millis(2), alarm.wait_until(Some(in_ms(3)))).await;
            let deadline = in_ms(ms);
            alarm.wait_until(Some(deadline)).await;
            assert!(Instant::now() >= deadline);
        }
        let never = tokio::time::timeout(Duration::from_millis(20), alarm.wait_until(None)).await;
        assert!(never.is_err());
    }
}
