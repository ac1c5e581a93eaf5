//! Makes a world that breaks a promise smaller.

use std::time::{Duration, Instant};

use crate::number;
use crate::report::Failure;
use crate::run::run;
use crate::world::{Step, World};

/// How often a smaller world is tried: the times are real, so a failure may need luck.
const TRIES: usize = 2;

/// Drops whatever the failure does not need, until nothing is left to drop or the time is over.
pub(crate) fn shrink(world: &World, failure: &Failure) -> (World, Failure) {
    let end = Instant::now() + Duration::from_secs(number("WORLD_SHRINK_SECONDS").unwrap_or(90));
    let mut smallest = (world.clone(), failure.clone());
    'smaller: while Instant::now() < end {
        for candidate in smaller(&smallest.0, smallest.1.burst) {
            if Instant::now() >= end {
                break;
            }
            let failed = (0..TRIES).find_map(|_| run(&candidate).err().filter(|new| new.is_like(failure)));
            if let Some(failed) = failed {
                smallest = (candidate, failed);
                continue 'smaller;
            }
        }
        break;
    }
    smallest
}

/// Worlds with one thing less, those with the most less first.
fn smaller(world: &World, failed: usize) -> Vec<World> {
    let after = (world.bursts.len() > failed + 1).then(|| {
        let bursts = world.bursts[..=failed].to_vec();
        World { bursts, ..world.clone() }
    });
    let bursts = (0..world.bursts.len()).map(|number| {
        let mut less = world.clone();
        less.bursts.remove(number);
        less
    });
    let paths = (0..world.paths.len()).filter_map(|path| without_path(world, path));
    let steps = world.bursts.iter().enumerate().flat_map(|(burst, steps)| {
        (0..steps.len()).map(move |step| {
            let mut less = world.clone();
            less.bursts[burst].remove(step);
            less
        })
    });
    after.into_iter().chain(bursts).chain(paths).chain(steps).collect()
}

/// The same without a path; `None` if it is the only one, or if another one overlaps it.
fn without_path(world: &World, gone: usize) -> Option<World> {
    let is_base = world.paths.iter().any(|kind| kind.base() == Some(gone));
    if world.paths.len() == 1 || is_base {
        return None;
    }
    let mut less = world.clone();
    less.paths.remove(gone);
    let moved = |index: usize| if index > gone { index - 1 } else { index };
    for kind in &mut less.paths {
        *kind = kind.based_on(kind.base().map_or(0, moved));
    }
    for burst in &mut less.bursts {
        burst.retain(|step: &Step| step.path != gone);
        for step in burst {
            step.path = moved(step.path);
        }
    }
    Some(less)
}
