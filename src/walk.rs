//! Walk: goes through what counts at a watched path, and follows links. It finds names and kinds, and reads no file.
//!
//! A walk enters each directory once, so that links to siblings or upwards do not multiply it. It enters real directories
//! before it follows links to directories, so that what is in the tree keeps its own name.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::kubelet::{DATA_LINK, Payload, is_plumbing, is_visible_link};
use crate::scope::Scope;

/// A walk ends after this many names: a link may lead to a whole file system.
pub const MOST_NAMES: usize = 100_000;

/// Two times of a file system that differ by no more than this can be of one and the same system call and the write that
/// follows it. The kernel's clock for files ticks every 10 ms at most (`CONFIG_HZ`=100).
const SAME_MOMENT: Duration = Duration::from_millis(20);

/// A walk that goes on whenever it is asked for the next name.
#[derive(Debug)]
pub struct Walk<'a> {
    scope: Scope<'a>,
    /// The names to visit next, the last first.
    ahead: Vec<Ahead>,
    /// Links to directories, followed when nothing else is left.
    links: VecDeque<Ahead>,
    entered: BTreeSet<(u64, u64)>,
    names_left: usize,
    is_cut: bool,
}

#[derive(Debug)]
struct Ahead {
    name: PathBuf,
    path: PathBuf,
    is_link: bool,
    /// The device of the volume, if the way to here is through `..data`.
    volume: Option<u64>,
}

/// One name of a walk.
#[derive(Debug)]
pub struct Visit {
    /// The name relative to where the walk began, and empty there.
    pub name: PathBuf,
    /// The path to open.
    pub path: PathBuf,
    /// Whether it is a link.
    pub is_link: bool,
    /// Whether the kubelet writes it, because the way to it is through `..data`.
    pub in_volume: bool,
    /// What the path leads to, links followed.
    pub found: io::Result<Metadata>,
    /// Whether the walk enters it, if it is a directory.
    pub entered: Entered,
}

/// Whether a walk enters a directory.
#[derive(Debug)]
pub enum Entered {
    /// It is no directory, or it is entered under another name, or subdirectories do not count.
    No,
    /// What it holds comes next.
    Yes(Listing),
    /// It cannot be listed.
    Failed(io::Error),
}

/// What is known of a directory that is entered.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    /// What is known of it besides, if the kubelet writes it as a volume.
    pub volume: Option<Volume>,
    /// Whether the last name that came or went is an ignored one, so that the directory's own time says nothing.
    pub is_aged_by_ignored: bool,
}

/// What is known of a volume.
#[derive(Debug, PartialEq, Eq)]
pub struct Volume {
    /// Where `..data` leads; `None` in the middle of an update of the kubelet's, as far as the names tell.
    pub payload: Option<OsString>,
    /// The names in it that are no links, and so are not the kubelet's.
    pub real_names: Vec<OsString>,
}

impl<'a> Walk<'a> {
    /// Begins at a directory, which may itself be reached through `..data`.
    pub fn new(root: &Path, scope: Scope<'a>, in_volume: bool) -> Self {
        let volume = if in_volume { fs::metadata(root).ok().map(|metadata| metadata.dev()) } else { None };
        let ahead = vec![Ahead { name: PathBuf::new(), path: root.to_owned(), is_link: false, volume }];
        let (links, entered) = (VecDeque::new(), BTreeSet::new());
        Self { scope, ahead, links, entered, names_left: MOST_NAMES, is_cut: false }
    }

    /// Whether names were left out because there are too many.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn enter(&mut self, at: &Ahead, directory: &Metadata) -> Entered {
        if !self.entered.insert((directory.dev(), directory.ino())) {
            return Entered::No;
        }
        match self.list(at, directory) {
            Ok(listing) => Entered::Yes(listing),
            Err(error) => Entered::Failed(error),
        }
    }

    fn list(&mut self, at: &Ahead, directory: &Metadata) -> io::Result<Listing> {
        let (mut names, mut links, mut is_volume) = (Vec::new(), Vec::new(), false);
        let mut is_aged_by_ignored = false;
        for entry in fs::read_dir(&at.path)? {
            let entry = entry?;
            let (name, is_link) = (entry.file_name(), entry.file_type()?.is_symlink());
            if is_plumbing(&name) {
                is_volume |= is_link && name == DATA_LINK;
                continue;
            }
            if self.names_left == 0 {
                self.is_cut = true;
                break;
            }
            if is_link {
                links.push(name.clone());
            }
            if self.scope.counts(&at.name, &name) {
                self.names_left -= 1;
                names.push(name);
            } else {
                is_aged_by_ignored |= is_why_changed(&entry, directory);
            }
        }
        names.sort_unstable();
        links.sort_unstable();
        let payload = if is_volume { Payload::of(&at.path).ok() } else { None };
        let mut real_names = Vec::new();
        // The stack is taken from its end.
        for name in names.into_iter().rev() {
            let is_link = links.binary_search(&name).is_ok();
            if is_volume && !is_link {
                real_names.push(name.clone());
            }
            let is_of_kubelet = is_link && payload.as_ref().is_some_and(|payload| payload.holds(&name));
            let volume = if is_volume { is_of_kubelet.then(|| directory.dev()) } else { at.volume };
            self.ahead.push(Ahead { name: at.name.join(&name), path: at.path.join(&name), is_link, volume });
        }
        let complete = payload.filter(|payload| payload.has_same_names(&at.path, &links));
        let payload = complete.map(|payload| payload.directory);
        let volume = is_volume.then_some(Volume { payload, real_names });
        Ok(Listing { volume, is_aged_by_ignored })
    }
}

/// Whether the directory changed last when this name did.
fn is_why_changed(entry: &fs::DirEntry, directory: &Metadata) -> bool {
    let own = entry.metadata().ok().and_then(|metadata| changed_at(&metadata));
    let (Some(own), Some(changed)) = (own, changed_at(directory)) else { return false };
    own.max(changed).duration_since(own.min(changed)).is_ok_and(|apart| apart <= SAME_MOMENT)
}

/// When content, mode, owner or links changed last: no program sets this time back. `None` before 1970.
pub fn changed_at(metadata: &Metadata) -> Option<SystemTime> {
    let (seconds, nanoseconds) = (metadata.ctime(), metadata.ctime_nsec());
    let since_1970 = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since_1970)
}

impl Iterator for Walk<'_> {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        loop {
            let next = self.ahead.pop();
            let is_postponed = next.is_none();
            let mut at = next.or_else(|| self.links.pop_front())?;
            let found = fs::metadata(&at.path);
            let mut entered = Entered::No;
            if let Ok(metadata) = &found {
                at.volume = at.volume.filter(|device| at.is_below_data(*device, metadata));
                let enters = at.is_root() || at.volume.is_some() || self.scope.recursive;
                if metadata.is_dir() && enters {
                    if at.is_link && !is_postponed {
                        self.links.push_back(at);
                        continue;
                    }
                    entered = self.enter(&at, metadata);
                }
            }
            let Ahead { name, path, is_link, volume } = at;
            return Some(Visit { name, path, is_link, in_volume: volume.is_some(), found, entered });
        }
    }
}

impl Ahead {
    fn is_root(&self) -> bool {
        self.name.as_os_str().is_empty()
    }

    /// Whether what is found in a volume is the kubelet's, and neither another mount nor a link that leads elsewhere.
    fn is_below_data(&self, device: u64, found: &Metadata) -> bool {
        found.dev() == device && !(self.is_link && found.is_dir() && !is_visible_link(&self.path))
    }
}

#[cfg(test)]
mod tests;
