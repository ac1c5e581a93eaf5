//! Lifetime: is the target gone for good? Pure.

use std::time::{Duration, Instant};

/// How often to look.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A target that is replaced is away for a moment.
const GONE_FOR_GOOD: Duration = Duration::from_secs(2);

/// Whether a target was seen, and since when it is gone.
#[derive(Debug, Default)]
pub struct Lifetime {
    seen: bool,
    gone_since: Option<Instant>,
}

impl Lifetime {
    /// Takes in whether a target is there now; returns whether it is gone for good.
    pub fn look(&mut self, is_there: bool, now: Instant) -> bool {
        self.seen |= is_there;
        self.gone_since = if is_there { None } else { self.gone_since.or(Some(now)) };
        self.seen && self.gone_since.is_some_and(|since| now >= since + GONE_FOR_GOOD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_target_that_was_seen_and_stays_away_is_gone_for_good() {
        let (mut lifetime, start) = (Lifetime::default(), Instant::now());
        let mut at = |seconds, is_there| lifetime.look(is_there, start + Duration::from_secs(seconds));
        assert!(!at(0, false) && !at(100, false), "never seen");
        assert!(!at(101, true) && !at(102, false));
        assert!(!at(103, true), "it came back");
        assert!(!at(104, false) && !at(105, false));
        assert!(at(106, false));
    }
}
