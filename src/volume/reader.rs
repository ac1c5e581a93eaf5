//! Reader: makes a snapshot of a walk, and reads the files that changed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::libc;

use super::content::{self, LARGEST_HASHED, Stat};
use super::digest::{Digest, Hasher};
use super::snapshot::{Entry, Kind, Notes, Snapshot, SnapshotError, Warning};
use crate::kubelet::{self, Access};
use crate::walk::{Entered, Listing, Visit, Walk};
use crate::watch::{Root, Way};

/// After reading this much, or as many entries as weigh that much, the reader yields.
const YIELD_AFTER: u64 = 1 << 20;
const ENTRY_WEIGHT: u64 = 4 << 10;

/// Makes a snapshot of a walk.
pub(super) struct Reader<'a> {
    before: Option<&'a Snapshot>,
    entries: BTreeMap<PathBuf, Entry>,
    /// The volumes, and where `..data` led in each.
    payloads: Vec<(PathBuf, OsString)>,
    notes: Notes,
    weight: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(before: Option<&'a Snapshot>) -> Self {
        let (entries, payloads, notes) = (BTreeMap::new(), Vec::new(), Notes::default());
        Self { before, entries, payloads, notes, weight: 0 }
    }

    pub(super) async fn run(
        mut self,
        inside: Option<&Path>,
        mut walk: Walk<'_>,
    ) -> Result<Snapshot, SnapshotError> {
        if let Some(volume) = inside {
            self.note_volume(volume, kubelet::complete_payload(volume));
        }
        for visit in walk.by_ref() {
            self.rest(ENTRY_WEIGHT).await;
            if let Entered::Yes(Listing { volume: Some(volume), .. }) = &visit.entered {
                self.note_volume(&visit.path, volume.payload.clone());
            }
            let name = visit.name.clone();
            if let Some(entry) = self.entry(visit).await? {
                self.entries.insert(name, entry);
            }
        }
        if walk.is_cut() {
            self.notes.warn(Warning::Cut);
        }
        let mut hasher = Hasher::default();
        for (name, entry) in &self.entries {
            hasher.field(name.as_os_str().as_encoded_bytes());
            hasher.field(&[entry.kind as u8]);
            hasher.field(entry.content.as_ref().map_or(&[], Digest::bytes));
        }
        let is_swapped =
            |(volume, directory): &(PathBuf, OsString)| kubelet::payload(volume).as_ref() != Some(directory);
        self.notes.is_torn |= self.payloads.iter().any(is_swapped);
        let Self { entries, payloads, notes, .. } = self;
        Ok(Snapshot { digest: hasher.finish(), entries, payloads, notes })
    }

    /// `None` if the name went away, which is an event of its own; or if the visit is of the watched directory itself.
    async fn entry(&mut self, visit: Visit) -> Result<Option<Entry>, SnapshotError> {
        let is_root = visit.name.as_os_str().is_empty();
        match visit.found {
            Err(error) => self.unseen(&visit.name, &visit.path, error),
            Ok(metadata) if metadata.is_dir() => {
                // A link to a directory that is not entered counts by its destination.
                let is_followed = !visit.is_link || matches!(visit.entered, Entered::Yes(_));
                let content = match (!is_followed).then(|| Way::of(&visit.path).0) {
                    Some(Root::Directory(target)) => Some(destination(&target)),
                    _ => None,
                };
                if let Entered::Failed(error) = visit.entered {
                    self.refused(&visit.path, is_root || self.was_listed(&visit.name), error)?;
                }
                Ok((!is_root).then_some(Entry::new(Kind::Directory, content)))
            }
            Ok(metadata) if metadata.is_file() => {
                let access = visit.in_volume.then(|| Access::of(&metadata));
                let entry = self.file(&visit.name, &visit.path, &metadata).await?;
                Ok(entry.map(|entry| Entry { access, ..entry }))
            }
            Ok(_) => Ok(Some(Entry::new(Kind::Special, None))),
        }
    }

    fn unseen(&mut self, name: &Path, path: &Path, error: io::Error) -> Result<Option<Entry>, SnapshotError> {
        let is_root = name.as_os_str().is_empty();
        if is_root || !is_nowhere(&error) {
            let was_seen = is_root || self.known(name).is_some_and(|known| known.kind != Kind::Hidden);
            self.refused(path, was_seen, error)?;
            return Ok(Some(Entry::new(Kind::Hidden, None)));
        }
        let target = fs::read_link(path);
        self.notes.is_torn |= target.is_err();
        Ok(target.ok().map(|target| Entry::new(Kind::Dangling, Some(destination(&target)))))
    }

    async fn file(
        &mut self,
        name: &Path,
        path: &Path,
        file: &Metadata,
    ) -> Result<Option<Entry>, SnapshotError> {
        let (stat, started) = (Stat::of(file), SystemTime::now());
        let known = self.known(name).copied().filter(|known| known.kind == Kind::File);
        let same = known.filter(|known| known.stat.is_some_and(|known| known.has_content_of(&stat)));
        if file.nlink() == 0 {
            self.notes.warn(Warning::Replaced(path.to_owned()));
        }
        if let Some(same) = same.filter(|same| same.is_past && same.stat == Some(stat)) {
            return Ok(Some(same));
        }
        let content = match if file.len() > LARGEST_HASHED {
            Ok(stat.identity())
        } else {
            self.hash(path, file.len()).await
        } {
            Ok(digest) => digest,
            Err(error) if is_nowhere(&error) => {
                self.notes.is_torn = true;
                return Ok(None);
            }
            Err(_) if same.is_some() => return Ok(same),
            Err(error) => {
                self.refused(path, false, error)?;
                stat.identity()
            }
        };
        let (stat, is_past) = (Some(stat), stat.is_past(started));
        Ok(Some(Entry { stat, is_past, ..Entry::new(Kind::File, Some(content)) }))
    }

    async fn hash(&mut self, path: &Path, size: u64) -> io::Result<Digest> {
        let (file, mut hasher, mut done) = (content::open(path)?, Hasher::default(), 0);
        while done < LARGEST_HASHED {
            let length = content::hash_piece(&file, &mut hasher)?;
            done += length;
            if length == 0 || done == size {
                break;
            }
            self.rest(length).await;
        }
        Ok(hasher.finish())
    }

    fn known(&self, name: &Path) -> Option<&'a Entry> {
        self.before?.entries.get(name)
    }

    /// Whether there was anything below this name before.
    fn was_listed(&self, name: &Path) -> bool {
        let after = (Bound::Excluded(name.to_owned()), Bound::Unbounded);
        let next = self.before.and_then(|before| before.entries.range(after).next());
        next.is_some_and(|(next, _)| next.starts_with(name))
    }

    /// What could be looked at before and cannot be now is neither absent nor unchanged, so that there is no snapshot.
    /// What the sidecar may not look at, and never could, counts by its name.
    fn refused(&mut self, path: &Path, was_seen: bool, error: io::Error) -> Result<(), SnapshotError> {
        if was_seen || error.kind() != io::ErrorKind::PermissionDenied {
            return Err(SnapshotError::new(path, error));
        }
        self.notes.warn(Warning::Unreadable(path.to_owned()));
        Ok(())
    }

    fn note_volume(&mut self, volume: &Path, payload: Option<OsString>) {
        match payload {
            Some(directory) => self.payloads.push((volume.to_owned(), directory)),
            None => self.notes.is_torn = true,
        }
    }

    async fn rest(&mut self, weight: u64) {
        self.weight += weight;
        if self.weight >= YIELD_AFTER {
            self.weight = 0;
            tokio::task::yield_now().await;
        }
    }
}

fn destination(target: &Path) -> Digest {
    Digest::of(&[target.as_os_str().as_encoded_bytes()])
}

/// Whether a name went away, or leads nowhere.
fn is_nowhere(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP))
        || error.kind() == io::ErrorKind::NotFound
}
