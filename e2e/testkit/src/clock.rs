//! The time base of all records: `CLOCK_MONOTONIC`, which all processes of a machine share.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub type Nanos = u64;

/// What the clock says now; safe to call in a signal handler.
pub fn now() -> Nanos {
    // The clock exists on every Linux and its values are positive, so there is no error to tell of.
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(0, |time| time.tv_sec().cast_unsigned() * 1_000_000_000 + time.tv_nsec().cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::now;

    #[test]
    fn runs_forward() {
        let first = now();
        assert!(first > 0);
        assert!(now() >= first);
    }
}
