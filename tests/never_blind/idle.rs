//! What waiting costs.

use std::time::{Duration, Instant};

use sidecar_testkit::wait;

use crate::support::{Builder, WakeUps};
use crate::{Watched, events_only, process, resync, tell};

const WATCHED: Duration = Duration::from_secs(5);

fn once_idle(set: impl FnOnce(Builder) -> Builder) -> Watched {
    let watched = Watched::with(|sidecar| set(sidecar).env("VERBOSE", "false"));
    WakeUps::when_idle(watched.sidecar_pid());
    watched
}

#[test]
fn without_a_resync_nothing_wakes_the_sidecar() {
    let watched = once_idle(events_only);
    let before = WakeUps::when_idle(watched.sidecar_pid());
    let woken = wait::try_until(WATCHED, || {
        let now = WakeUps::of(watched.sidecar_pid());
        (now != before).then_some(now)
    });
    assert_eq!(woken, None, "at first {before:?}");
    watched.notice_edit("2");
}

/// tokio keeps its timers in wheels of 64 slots: a deadline a second away may take a wake-up for each of
/// three wheels, 4096, 64 and 1 ms a slot.
const MOST_EACH: u64 = 3;

#[test]
fn a_resync_is_a_few_wake_ups() {
    let watched = once_idle(resync);
    let pid = watched.sidecar_pid();
    let (start, before, cpu) = (Instant::now(), WakeUps::of(pid).total(), process::cpu(pid));
    let too_many = |elapsed: Duration| MOST_EACH * (elapsed.as_secs() + 1);
    let woken = wait::try_until(WATCHED, || {
        let woken = WakeUps::of(pid).total() - before;
        (woken > too_many(start.elapsed())).then_some(woken)
    });
    assert_eq!(woken, None, "wake-ups in {:?}", start.elapsed());
    let woken = WakeUps::of(pid).total() - before;
    let cpu = process::cpu(pid).saturating_sub(cpu);
    tell(&format!(
        "{woken} wake-ups and {} ms of CPU in {} ms",
        cpu.as_millis(),
        start.elapsed().as_millis()
    ));
    assert!(woken >= 2, "it looks at all: {woken} wake-ups");
    watched.notice_edit("2");
}
