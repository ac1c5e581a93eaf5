//! How long the machine keeps threads from running.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use sidecar_testkit::clock::{self, Nanos};

use crate::oracle::MILLI;

const BEAT: Nanos = 10 * MILLI;
/// A shorter delay does not matter.
const LEAST: Nanos = 20 * MILLI;

/// When a beat came late, and how late.
type Stalls = Mutex<Vec<(Nanos, Nanos)>>;

/// The longest delay since `since`.
pub(crate) fn worst_since(since: Nanos) -> Nanos {
    let stalls = stalls().lock().unwrap_or_else(PoisonError::into_inner);
    let recent = stalls.iter().rev().take_while(|(at, _)| *at >= since);
    recent.map(|(_, late)| *late).max().unwrap_or(0)
}

/// The first call starts the beat.
fn stalls() -> &'static Stalls {
    static STALLS: OnceLock<Stalls> = OnceLock::new();
    STALLS.get_or_init(|| {
        thread::spawn(beat);
        Stalls::default()
    })
}

fn beat() {
    let mut last = clock::now();
    loop {
        thread::sleep(Duration::from_nanos(BEAT));
        let now = clock::now();
        let late = (now - last).saturating_sub(BEAT);
        if late >= LEAST {
            stalls().lock().unwrap_or_else(PoisonError::into_inner).push((now, late));
        }
        last = now;
    }
}
