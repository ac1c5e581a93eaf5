//! Steps that no writer of the world thought of: the run itself needs them.

use crate::stage::Stage;
use crate::world::{Act, Kind, Step, Version};

/// The version of what returns; no writer has it.
const RESTORED: Version = 90;

impl Stage {
    /// A change that is certain to be one.
    pub(crate) fn fence(&self, version: Version) -> Step {
        let is_base = |path: &usize| self.places[*path].kind.base().is_none();
        let mut bases = (0..self.places.len()).filter(is_base);
        let Some(path) = bases.clone().find(|path| self.places[*path].dir.is_dir()) else {
            return now(bases.next().unwrap_or(0), Act::Return(version));
        };
        let place = &self.places[path];
        match place.kind {
            Kind::Volume if place.dir.join("..data").exists() => now(path, Act::Publish(0b0001, version)),
            Kind::File => now(path, Act::Rename("a.conf", version)),
            _ => now(path, Act::Rename("fence.conf", version)),
        }
    }

    /// The return of a path that is missing.
    pub(crate) fn restoring(&self, path: usize) -> Step {
        let place = &self.places[path];
        match place.kind {
            Kind::File | Kind::One(_) if place.dir.is_dir() => now(path, Act::Rename("a.conf", RESTORED)),
            Kind::Below(base) if self.places[base].kind == Kind::Volume => {
                now(base, Act::Publish(0b1011, RESTORED))
            }
            Kind::Below(base) if !self.places[base].dir.is_dir() => now(base, Act::Return(RESTORED)),
            Kind::Below(base) => now(base, Act::ReturnSub(RESTORED)),
            _ => now(path, Act::Return(RESTORED)),
        }
    }
}

fn now(path: usize, act: Act) -> Step {
    Step { gap: 0, path, act }
}
