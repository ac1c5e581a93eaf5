//! A storm of events: cheap, and its last state is delivered.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Builder, WakeUps, files};
use crate::{Watched, events_only, process, tell};

const FILES: u32 = 100;
const ROUNDS: u32 = 1000;
const PACE: Duration = Duration::from_millis(10);

/// The default of `MAX_WAIT`.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// In KiB.
const MOST_MORE: i64 = 1 << 10;

fn name(file: u32) -> String {
    format!("{file}.conf")
}

/// Writes each file a thousand times: each write is an event. Gives how long it took.
fn blow(open: &[File]) -> Duration {
    let start = Instant::now();
    for round in 1..=ROUNDS {
        for file in open {
            file.write_all_at(format!("{round:06}").as_bytes(), 0).unwrap();
        }
        sleep((PACE * round).saturating_sub(start.elapsed()));
    }
    start.elapsed()
}

#[test]
fn a_hundred_thousand_events_cost_little_and_the_last_state_is_delivered() {
    let make = |conf: &Path| {
        std::fs::create_dir(conf).unwrap();
        (0..FILES).for_each(|file| std::fs::write(conf.join(name(file)), "000000").unwrap());
    };
    // `VERBOSE` would be what costs.
    // A busy machine's writer may be quiet for longer than the default.
    let set = |sidecar: Builder| sidecar.env("VERBOSE", "false").env("QUIET_PERIOD", "1s");
    let watched = Watched::made_by(make, |_, sidecar| events_only(set(sidecar)));
    let open = |file| OpenOptions::new().write(true).open(watched.path(&name(file))).unwrap();
    let open: Vec<File> = (0..FILES).map(open).collect();
    let (sidecar, pid) = (&watched.scene.sidecar, watched.sidecar_pid());
    watched.notice_any(|| open[0].write_all_at(b"000001", 0).unwrap());
    WakeUps::when_idle(pid);
    let (cpu, memory) = (process::cpu(pid), process::resident(pid));
    let took = blow(&open);
    let signals = watched.scene.wait_for_current(&[&watched.conf]);
    WakeUps::when_idle(pid);
    let (cpu, more) = (process::cpu(pid).saturating_sub(cpu), process::resident(pid) - memory);
    let changed = sidecar.log_lines(" changed ").len();
    tell(&format!(
        "{} events in {} ms: {} ms of CPU, {memory} KiB and {more} KiB more, {} signals, {} digests that differed",
        FILES * ROUNDS,
        took.as_millis(),
        cpu.as_millis(),
        signals - 1,
        changed - 1,
    ));
    assert!(more < MOST_MORE, "{more} KiB more");
    assert_eq!(changed, signals);
    // The first is that of before; there may be a few quiet moments even so.
    let most = 1 + took.as_millis() / MAX_WAIT.as_millis() + 5;
    assert!(signals as u128 <= most, "{signals} signals in {took:?}");
    let last = format!("{ROUNDS:06}");
    let signal =
        watched.scene.expect_signal(signals, &files((0..FILES).map(|file| (name(file), last.clone()))));
    assert_eq!(signal.count, signals as u64);
    watched.count.set(signals);
    watched.expect_quiet();
    watched.notice_any(|| open[0].write_all_at(b"fence.", 0).unwrap());
}
