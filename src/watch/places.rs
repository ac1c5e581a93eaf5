//! Places: where the kernel must be asked so that no change of a watched path goes unseen.
//!
//! inotify watches inodes, users name paths. So a path is resolved name by name as the kernel does it
//! (path_resolution(7)), and each link on the way and the end of the way become a place to watch. So do the links and
//! the directories that are found below it. A place's path has no link in it, so that each directory has one name only.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::way::{Root, Way};
use crate::mounts;
use crate::scope::Scope;
use crate::walk::{Entered, Visit, Walk};

/// What matters at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interest {
    /// The names in the directory that count.
    Directory {
        /// Its path relative to the watched path.
        below: PathBuf,
        /// If the kubelet writes the directory as a volume, the names in it that are not the kubelet's.
        volume: Option<Vec<OsString>>,
    },
    /// This name in the directory, and what it means for the rest of the way.
    Name {
        /// The name.
        name: OsString,
        /// Whether it is of a volume.
        in_volume: bool,
    },
    /// The file's own content.
    Content,
}

/// A directory or file to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its path, without links.
    pub path: PathBuf,
    /// Index of the watched path that it belongs to.
    pub watched: usize,
    /// What matters there.
    pub interest: Interest,
}

/// What the kubelet writes of a watched path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volumes {
    /// The volumes that the path is, holds, or leads through, by their directories.
    pub all: Vec<PathBuf>,
    /// Whether the path leads through `..data`, so that all of it is of a volume.
    pub is_inside: bool,
}

impl Volumes {
    /// The volume that the path leads through.
    pub fn inside(&self) -> Option<&Path> {
        self.all.first().filter(|_| self.is_inside).map(PathBuf::as_path)
    }
}

/// The places of all watched paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    by_path: BTreeMap<PathBuf, Vec<Place>>,
    volumes: Vec<Volumes>,
}

impl Places {
    /// Walks all watched paths.
    pub fn of(watched_paths: &[PathBuf], scope: Scope<'_>) -> Self {
        let mut places = Self::default();
        let mounted = mounts::points();
        for (watched, path) in watched_paths.iter().enumerate() {
            let (root, way) = Way::of(path);
            let mut volumes =
                Volumes { is_inside: way.volume.is_some(), all: Vec::from_iter(way.volume.clone()) };
            places.take_way(watched, way);
            if let (Root::Directory(root), false) = (root, volumes.is_inside) {
                for visit in Walk::new(&root, scope, false).filter(|visit| !visit.in_volume) {
                    volumes.all.extend(places.take_visit(watched, visit, &mounted));
                }
            }
            places.volumes.push(volumes);
        }
        places
    }

    /// Takes in the links of a way and its end.
    fn take_way(&mut self, watched: usize, way: Way) {
        for (path, name) in way.names {
            let in_volume = way.volume.as_ref() == Some(&path);
            self.add(Place { path, watched, interest: Interest::Name { name, in_volume } });
        }
        if let Some(path) = way.file {
            self.add(Place { path, watched, interest: Interest::Content });
        }
    }

    /// Takes in what was found below a watched path; returns it if it is a volume.
    fn take_visit(&mut self, watched: usize, visit: Visit, mounted: &[PathBuf]) -> Option<PathBuf> {
        if visit.is_link {
            self.take_way(watched, Way::of(&visit.path).1);
        }
        let volume = match visit.entered {
            Entered::Yes(listing) => listing.volume.map(|volume| volume.real_names),
            // A watch that it has stays, so that a moment without permission loses no event.
            Entered::Failed(_) => None,
            Entered::No => {
                // A file that is mounted by itself is not the one that the directory holds.
                let is_file = visit.found.is_ok_and(|found| found.is_file());
                if is_file && mounted.contains(&visit.path) {
                    self.add(Place { path: visit.path, watched, interest: Interest::Content });
                }
                return None;
            }
        };
        // A directory is watched by its own name, whatever links lead to it; below a swap it is not.
        let (Root::Directory(path), Way { volume: None, .. }) = Way::of(&visit.path) else { return None };
        let is_volume = volume.is_some();
        let interest = Interest::Directory { below: visit.name, volume };
        self.add(Place { path: path.clone(), watched, interest });
        is_volume.then_some(path)
    }

    fn add(&mut self, place: Place) {
        let there = self.by_path.entry(place.path.clone()).or_default();
        if !there.contains(&place) {
            there.push(place);
        }
    }

    #[cfg(test)]
    pub(crate) fn for_tests(all: impl IntoIterator<Item = Place>) -> Self {
        let mut places = Self::default();
        all.into_iter().for_each(|place| places.add(place));
        places
    }

    /// All places.
    pub fn iter(&self) -> impl Iterator<Item = &Place> {
        self.by_path.values().flatten()
    }

    /// The paths of all places.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.by_path.keys()
    }

    /// The places of this path.
    pub fn at(&self, path: &Path) -> &[Place] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    /// What the kubelet writes of each watched path.
    pub fn volumes(&self) -> &[Volumes] {
        &self.volumes
    }
}

#[cfg(test)]
mod tests;
