//! Makes worlds from seeds.

use crate::world::{Burst, Kind, Millis, Settings, World};
use crate::writers::writer;

/// SplitMix64: a few lines, and the same numbers on each machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = self.below(from.len() as u64);
        from[usize::try_from(index).unwrap_or(0)]
    }
}

/// How many bursts a world has.
const BURSTS: u64 = 5;

impl World {
    /// The world of this seed.
    pub(crate) fn from_seed(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let settings = settings(random);
        let paths = paths(random, settings);
        let bursts = (0..BURSTS).map(|_| burst(random, settings, &paths)).collect();
        Self { settings, paths, bursts }
    }
}

fn settings(random: &mut Random) -> Settings {
    let mounts = random.percent(25);
    // No event tells of a mount.
    let resync = if mounts { 900 } else { random.pick(&[0, 0, 0, 200, 700]) };
    // It could not see its own mounts.
    let user = !mounts && random.percent(20);
    Settings {
        quiet: random.pick(&[300, 350, 400]),
        max_wait: random.pick(&[2000, 3000, 4000, 8000]),
        resync,
        recursive: random.percent(45),
        ignore: random.percent(50),
        user,
        fs_group: user && random.percent(50),
        links_first: random.percent(30),
        mounts,
    }
}

const BASES: [Kind; 9] = [
    Kind::Plain,
    Kind::Plain,
    Kind::Tree,
    Kind::Tree,
    Kind::Volume,
    Kind::Volume,
    Kind::File,
    Kind::LinkDir,
    Kind::GitSync,
];

fn paths(random: &mut Random, settings: Settings) -> Vec<Kind> {
    let mut paths = vec![random.pick(&BASES)];
    for _ in 1..=random.below(4) {
        let base = random.pick(&(0..paths.len()).collect::<Vec<_>>());
        let kind = if random.percent(55) { overlap(random, paths[base], base) } else { None };
        let base_kinds = if settings.recursive && random.percent(30) { &BASES[2..4] } else { &BASES[..] };
        paths.push(kind.unwrap_or_else(|| random.pick(base_kinds)));
    }
    paths
}

/// A path that overlaps another one, if that is not an overlap itself.
fn overlap(random: &mut Random, kind: Kind, base: usize) -> Option<Kind> {
    if kind.base().is_some() {
        return None;
    }
    let overlaps =
        [Kind::Below(base), Kind::Alias(base), Kind::Above(base), Kind::Enabled(base), Kind::One(base)];
    let first = usize::from(!matches!(kind, Kind::Tree | Kind::Volume));
    Some(random.pick(&overlaps[first..]))
}

/// Writers one after the other; steps of one that is slow may come between those of another.
fn burst(random: &mut Random, settings: Settings, paths: &[Kind]) -> Burst {
    let harmless = random.percent(25);
    let mut burst = Burst::new();
    for _ in 0..=random.below(3) {
        let path = random.pick(&(0..paths.len()).collect::<Vec<_>>());
        let harmless = harmless || random.percent(15);
        let steps = writer(random, settings, paths, path, harmless);
        if random.percent(30) {
            interleave(random, &mut burst, steps);
        } else {
            burst.extend(steps);
        }
    }
    // Nothing precedes the first.
    if let Some(first) = burst.first_mut() {
        first.gap = 0;
    }
    burst
}

/// The order within each of both stays.
fn interleave(random: &mut Random, burst: &mut Burst, steps: Burst) {
    let mut at = 0;
    for step in steps {
        at = random.pick(&(at..=burst.len()).collect::<Vec<_>>());
        burst.insert(at, step);
        at += 1;
    }
}

/// A pause that is short of the quiet period for certain, or seldom one that is long.
pub(crate) fn gap(random: &mut Random, settings: Settings) -> Millis {
    match random.below(100) {
        0..30 => 0,
        30..92 => random.below(settings.quiet / 3),
        _ => settings.quiet * 7 / 4,
    }
}
