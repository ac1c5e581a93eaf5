//! Where the kernel must be asked so that no change of a watched path goes unseen.
//!
//! inotify watches inodes, users name paths. So a path is walked name by name as the kernel does it
//! (path_resolution(7)), and each link on the way and the end of the way become a place to watch. A
//! place's path has no link in it, so that each directory has one name only.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The link of a kubelet volume that is swapped (`pkg/volume/util/atomic_writer.go`).
pub(crate) const DATA_LINK: &str = "..data";

/// More links than the kernel follows (`MAXSYMLINKS`, path_resolution(7)).
const MOST_LINKS: usize = 40;

/// What matters at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interest {
    /// Every name in the directory.
    Everything,
    /// Every name in the directory and in all directories below it.
    Tree,
    /// This name in the directory, and what it means for the rest of the way.
    Name(OsString),
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

/// What a watched path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// A directory; its path without links.
    Directory(PathBuf),
    /// Anything else that exists; its path without links.
    File(PathBuf),
    /// Nothing: a name on the way is missing, is no directory, or leads in a circle.
    Missing,
}

/// The places of all watched paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    by_path: BTreeMap<PathBuf, Vec<Place>>,
    /// Whether any is a tree: without, nothing above an event needs to be looked up.
    has_trees: bool,
}

impl Places {
    /// Walks all watched paths.
    #[must_use]
    pub fn of(watched_paths: &[PathBuf], recursive: bool) -> Self {
        let mut places = Self::default();
        for (watched, path) in watched_paths.iter().enumerate() {
            let mut walk = Walk { watched, recursive, ..Walk::default() };
            walk.to(path);
            walk.found.into_iter().for_each(|place| places.add(place));
        }
        places
    }

    fn add(&mut self, place: Place) {
        self.has_trees |= place.interest == Interest::Tree;
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

    /// The directories at or above this path that are watched with all below them.
    pub fn trees_above(&self, path: &Path) -> impl Iterator<Item = &Place> {
        let above = self.has_trees.then(|| path.ancestors()).into_iter().flatten();
        above.flat_map(|above| self.at(above)).filter(|place| place.interest == Interest::Tree)
    }

    /// The places of this path.
    #[must_use]
    pub fn at(&self, path: &Path) -> &[Place] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }
}

impl Root {
    /// What the path leads to now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Walk::default().to(path)
    }
}

#[derive(Default)]
struct Walk {
    watched: usize,
    recursive: bool,
    found: Vec<Place>,
    /// Below `..data` nothing is watched: it is written once, before the swap, and gone after the next.
    below_swap: bool,
}

impl Walk {
    fn to(&mut self, path: &Path) -> Root {
        let mut ahead = names_of(path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            let Ok(metadata) = fs::symlink_metadata(&next) else {
                self.note(&at, Interest::Name(name));
                return Root::Missing;
            };
            if metadata.is_symlink() {
                let Ok(target) = fs::read_link(&next) else { return Root::Missing };
                self.note(&at, Interest::Name(name.clone()));
                self.below_swap |= name == DATA_LINK;
                links += 1;
                if links > MOST_LINKS {
                    return Root::Missing;
                }
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                ahead.extend(names_of(&target));
            } else if metadata.is_dir() {
                at = next;
            } else {
                self.note(&at, Interest::Name(name));
                if !ahead.is_empty() {
                    return Root::Missing;
                }
                if metadata.is_file() {
                    self.note(&next, Interest::Content);
                }
                return Root::File(next);
            }
        }
        self.note(&at, if self.recursive { Interest::Tree } else { Interest::Everything });
        Root::Directory(at)
    }

    fn note(&mut self, path: &Path, interest: Interest) {
        if !self.below_swap {
            self.found.push(Place { path: path.to_owned(), watched: self.watched, interest });
        }
    }
}

/// The names of a path, the last first.
fn names_of(path: &Path) -> Vec<OsString> {
    let name = |component| match component {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).map(OsStr::to_owned).collect()
}

/// The directory that holds the `..data` link which `path` goes through or, for a volume, ends in.
#[must_use]
pub(crate) fn volume_of(path: &Path) -> Option<PathBuf> {
    let mut walk = Walk::default();
    if let Root::Directory(end) = walk.to(path)
        && is_link(&end.join(DATA_LINK))
    {
        return Some(end);
    }
    let through_swap = |place: &Place| place.interest == Interest::Name(DATA_LINK.into());
    walk.found.into_iter().find(through_swap).map(|place| place.path)
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata: fs::Metadata| metadata.is_symlink())
}

#[cfg(test)]
mod tests;
