//! The sidecar is killed at random moments of updates, and started again: nothing is lost.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::path::Path;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal::SIGKILL;
use sidecar_testkit::kubelet::{Payload, Volume, payload};
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;
use tempfile::TempDir;

use crate::received;
use crate::support::{Builder, DEADLINE, Files, Sidecar, files, open_dir, unique_name};

/// A number that makes the same choices again; it is printed.
const SEED_VARIABLE: &str = "NEVER_HARMFUL_SEED";
const ROUNDS: u32 = 100;
/// The latest kill, counted from the beginning of the write.
const LATEST_KILL: u64 = 15_000;
const LONGEST_PAUSE: u64 = 4_000;
/// The longest time in which a target that was restarted has no handler.
const LATEST_HANDLER: u64 = 60_000;
/// Of the kubelet's write.
const STEPS: u64 = 5;

/// `SplitMix64`: enough for choices, and without a dependency.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn micros(&mut self, end: u64) -> Duration {
        Duration::from_micros(self.below(end))
    }
}

/// A target, and what it could read when it started.
struct Incarnation {
    target: Target,
    at_start: Files,
}

struct Rounds {
    volume: Volume,
    name: String,
    current: Incarnation,
    /// All signals by now of the targets before, and those for what they had already.
    before: (usize, usize),
    _dir: TempDir,
}

impl Incarnation {
    #[track_caller]
    fn start(name: &str, volume: &Path, handler_delay: Duration) -> Self {
        let at_start = visible(volume);
        let target = Target::builder().named(name).read(volume).handler_delay(handler_delay);
        Self { target: target.spawn().unwrap(), at_start }
    }

    /// It has recorded all that it got by now; and was not killed by it.
    #[track_caller]
    fn fence(&self) {
        self.target.wait_ready(DEADLINE);
        received(&self.target);
    }

    /// Its signals, and those for what it had already.
    fn count(&self) -> (usize, usize) {
        let (mut has, mut superfluous) = (&self.at_start, 0);
        let signals = crate::signals(&self.target);
        for signal in &signals {
            superfluous += usize::from(&signal.files == has);
            has = &signal.files;
        }
        (signals.len(), superfluous)
    }

    fn has(&self, expected: &Files) -> bool {
        crate::signals(&self.target).last().map_or(&self.at_start, |last| &last.files) == expected
    }
}

/// What an application reads that starts now.
fn visible(volume: &Path) -> Files {
    let names = std::fs::read_dir(volume).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap()).filter(|name| !name.starts_with(".."));
    files(names.filter_map(|name| Some((name.clone(), std::fs::read_to_string(volume.join(name)).ok()?))))
}

impl Rounds {
    fn new() -> Self {
        let (dir, name) = (open_dir(), unique_name());
        let volume = Volume::create(&dir.path().join("volume"), &payload([("app.conf", "0")])).unwrap();
        let current = Incarnation::start(&name, volume.path(), Duration::ZERO);
        Self { volume, name, current, before: (0, 0), _dir: dir }
    }

    fn sidecar(&self) -> Builder {
        let builder = Sidecar::builder().config_dir(self.volume.path()).process_name(&self.name);
        builder.env("INITIAL_RELOAD", "auto")
    }

    fn restart_target(&mut self, handler_delay: Duration) {
        self.current.fence();
        let counted = self.totals();
        self.current.target.kill().unwrap();
        self.before = counted;
        self.current = Incarnation::start(&self.name, self.volume.path(), handler_delay);
    }

    fn totals(&self) -> (usize, usize) {
        let (signals, superfluous) = self.current.count();
        (self.before.0 + signals, self.before.1 + superfluous)
    }

    /// Writes the payload while the sidecar is killed; gives the next one.
    fn write_and_kill(&mut self, mut sidecar: Sidecar, payload: &Payload, random: &mut Random) -> Sidecar {
        let kill_after = random.micros(LATEST_KILL);
        // The next one is started while the write may still go on, or after it; and killed as soon as it is
        // ready, or before.
        let (is_early, is_patient) = (random.below(2) == 0, random.below(2) == 0);
        let next = self.sidecar();
        let start = || if is_patient { next.spawn() } else { next.spawn_unready() };
        let pauses: Vec<Duration> = (0..STEPS).map(|_| random.micros(LONGEST_PAUSE)).collect();
        // The target is restarted after this many steps, in some rounds.
        let (restart_after, handler_delay) = (random.below(STEPS * 4), random.micros(LATEST_HANDLER));
        let (begin, volume) = (Instant::now(), self.volume.clone());
        let mut steps = 0;
        let (start, early) = thread::scope(|scope| {
            let killer = scope.spawn(move || {
                sleep(kill_after.saturating_sub(begin.elapsed()));
                sidecar.send(SIGKILL);
                assert!(!sidecar.wait_for_end(DEADLINE).success());
                if is_early { (None, Some(start())) } else { (Some(start), None) }
            });
            let swap = volume.write_with(payload, |_| {
                steps += 1;
                if steps == restart_after {
                    self.restart_target(handler_delay);
                }
                sleep(pauses[usize::try_from(steps).unwrap() - 1]);
                ControlFlow::Continue(())
            });
            assert!(swap.unwrap().renamed.is_some());
            killer.join().unwrap()
        });
        early.or_else(|| start.map(|start| start())).unwrap()
    }

    #[track_caller]
    fn wait_until_applied(&self, payload: &Payload, what: &str) {
        let expected =
            files(payload.iter().map(|(key, content)| (key, String::from_utf8_lossy(content).into_owned())));
        wait::until(DEADLINE, what, || self.current.has(&expected).then_some(()));
    }
}

/// Another version, with other keys.
fn next_payload(round: u32, random: &mut Random) -> Payload {
    let extra = random.below(4);
    let keys = (0..extra).map(|number| format!("key{}", number + random.below(3)));
    payload(keys.chain(["app.conf".to_owned()]).map(|key| (key, round.to_string())))
}

#[test]
fn a_hundred_kills_lose_nothing() {
    let seed = std::env::var(SEED_VARIABLE)
        .ok()
        .map_or_else(|| RandomState::new().hash_one(0), |seed| seed.parse().unwrap());
    eprintln!("{SEED_VARIABLE}={seed}");
    let mut random = Random(seed);
    let mut rounds = Rounds::new();
    let mut sidecar = rounds.sidecar().spawn();
    for round in 1..=ROUNDS {
        let payload = next_payload(round, &mut random);
        sidecar = rounds.write_and_kill(sidecar, &payload, &mut random);
        rounds.wait_until_applied(&payload, &format!("change {round}; {SEED_VARIABLE}={seed}"));
    }
    sidecar.wait_ready();
    let last = payload([("app.conf", "last")]);
    rounds.volume.write(&last).unwrap();
    rounds.wait_until_applied(&last, "the last change");
    rounds.current.fence();
    let (signals, superfluous) = rounds.totals();
    eprintln!("{ROUNDS} kills, {signals} signals, {superfluous} of them superfluous");
}
