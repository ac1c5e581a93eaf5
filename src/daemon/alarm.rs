//! Alarm: wakes the loop at a moment, whichever thread set it.
//!
//! `tokio`'s timers would do, but their wheel wakes the thread up to three times for one that is a minute away,
//! and the loop would have to run for one to be set; a timer of the kernel wakes it once.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

use crate::sys;

/// Zero would mean never (timerfd_settime(2)).
const AT_ONCE: Duration = Duration::from_nanos(1);

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

    /// To this deadline, in place of an earlier setting; `None` is never.
    pub(super) fn set(&self, deadline: Option<Instant>) {
        // Neither is refused where there is a timer, and its arguments are right by their types.
        let _ = match deadline {
            None => self.timer.unset(),
            Some(deadline) => {
                let wait = deadline.saturating_duration_since(Instant::now()).max(AT_ONCE);
                self.timer.set(Expiration::OneShot(TimeSpec::from(wait)), TimerSetTimeFlags::empty())
            }
        };
    }

    /// Resolves at the deadline; it may have been that of an earlier setting.
    pub(super) async fn expired(&self) {
        match self.expired.readable().await {
            Ok(mut ready) => ready.clear_ready(),
            // The runtime ends.
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough to tell it from never.
    const LATE: Duration = Duration::from_secs(20);

    async fn expires(alarm: &Alarm) -> bool {
        tokio::time::timeout(LATE, alarm.expired()).await.is_ok()
    }

    #[tokio::test]
    async fn it_wakes_at_the_last_deadline_that_was_set_and_not_before() {
        let alarm = Alarm::new().unwrap();
        for ms in [0, 1, 5, 20] {
            alarm.set(Some(Instant::now() + LATE));
            let deadline = Instant::now() + Duration::from_millis(ms);
            alarm.set(Some(deadline));
            assert!(expires(&alarm).await && Instant::now() >= deadline);
        }
        alarm.set(Some(Instant::now()));
        assert!(expires(&alarm).await, "a deadline in the past is now");
    }

    #[tokio::test]
    async fn it_is_set_from_another_thread_while_the_loop_waits() {
        let alarm = std::sync::Arc::new(Alarm::new().unwrap());
        let setter = std::sync::Arc::clone(&alarm);
        alarm.set(Some(Instant::now() + LATE));
        let thread = std::thread::spawn(move || setter.set(Some(Instant::now())));
        assert!(expires(&alarm).await);
        thread.join().unwrap();
    }

    #[tokio::test]
    async fn never_takes_a_deadline_back() {
        let (never, later) = (Alarm::new().unwrap(), Alarm::new().unwrap());
        never.set(Some(Instant::now() + Duration::from_millis(5)));
        never.set(None);
        later.set(Some(Instant::now() + Duration::from_millis(50)));
        tokio::select! {
            () = never.expired() => panic!("it expired"),
            () = later.expired() => (),
        }
    }
}
