//! Waiting for a condition instead of sleeping.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a condition is looked at every [`SHORT_PAUSE`].
const EAGER: Duration = Duration::from_millis(200);
const SHORT_PAUSE: Duration = Duration::from_millis(1);
const LONG_PAUSE: Duration = Duration::from_millis(5);

/// Calls `condition` until it gives a value.
///
/// # Panics
/// After `deadline` without a value, saying `what` was waited for.
#[track_caller]
pub fn until<T>(deadline: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    match try_until(deadline, &mut condition) {
        Some(value) => value,
        None => panic!("waited {deadline:?} in vain for {what}"),
    }
}

/// Like [`until`], but gives `None` when the deadline has passed.
pub fn try_until<T>(deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let waited = start.elapsed();
        if let Some(value) = condition() {
            return Some(value);
        }
        let left = deadline.checked_sub(waited).filter(|left| !left.is_zero())?;
        let pause = if waited < EAGER { SHORT_PAUSE } else { LONG_PAUSE };
        sleep(pause.min(left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_value_as_soon_as_there_is_one() {
        let mut looks = 0;
        let value = until(Duration::from_secs(10), "the third look", || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(value, 3);
    }

    #[test]
    fn looks_once_even_without_time() {
        assert_eq!(until(Duration::ZERO, "nothing", || Some(7)), 7);
    }

    #[test]
    #[should_panic(expected = "in vain for the impossible")]
    fn panics_with_what_was_waited_for() {
        until(Duration::from_millis(3), "the impossible", || None::<()>);
    }
}
