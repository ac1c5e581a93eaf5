//! A snapshot: every name of a watched path with its kind and content.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use nix::libc;

use super::Digest;
use super::content::Stat;
use super::reader::Reader;
use crate::kubelet::{self, Access};
use crate::scope::Scope;
use crate::walk::Walk;

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A regular file. Its content is the digest of its bytes, or of inode, size and time where they cannot be read or
    /// are too many.
    File = b'f',
    /// A directory. Its content is the digest of where a link to it leads, if the link is not followed.
    Directory = b'd',
    /// A FIFO, socket or device: its content is not configuration, and opening it could block.
    Special = b's',
    /// A link that leads nowhere. Its content is the digest of its text.
    Dangling = b'l',
    /// A name that the sidecar may not look at, and never could.
    Hidden = b'h',
}

/// One name of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub(super) kind: Kind,
    pub(super) content: Option<Digest>,
    pub(super) stat: Option<Stat>,
    /// Whether the stat tells that the content is the same.
    pub(super) is_past: bool,
    /// Who may read the file, if it is of a volume.
    pub(super) access: Option<Access>,
}

impl Entry {
    pub(super) fn new(kind: Kind, content: Option<Digest>) -> Self {
        Self { kind, content, stat: None, is_past: false, access: None }
    }

    /// Whether the digest sees no difference.
    pub fn same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.content == other.content
    }
}

/// What a watched path held at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// All names below the watched path; a single file's own name is empty.
    pub entries: BTreeMap<PathBuf, Entry>,
    /// The digest of all entries.
    pub digest: Digest,
    /// The volumes in it, and where `..data` led in each.
    pub(super) payloads: Vec<(PathBuf, OsString)>,
    /// What else was noticed.
    pub notes: Notes,
}

/// What else was noticed.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// What the user is to know, each kind once.
    pub warnings: Vec<Warning>,
    /// Whether a name went before its turn came, or a volume was in the middle of an update or was swapped.
    pub is_torn: bool,
}

/// Why a change may not be noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// This could not be read, and so counts without its content.
    Unreadable(PathBuf),
    /// This file is mounted by itself and was replaced on the other side: it can never change again.
    Replaced(PathBuf),
    /// There are more names than are read.
    Cut,
}

impl Notes {
    pub(super) fn warn(&mut self, warning: Warning) {
        if !self.warnings.iter().any(|other| other.is_like(&warning)) {
            self.warnings.push(warning);
        }
    }

    /// The first name that could not be read.
    pub fn unreadable(&self) -> Option<&Path> {
        self.warnings.iter().find_map(|warning| match warning {
            Warning::Unreadable(path) => Some(path.as_path()),
            _ => None,
        })
    }
}

impl Warning {
    /// Whether it is of the same kind.
    pub fn is_like(&self, other: &Self) -> bool {
        mem::discriminant(self) == mem::discriminant(other)
    }
}

/// A watched path of which no snapshot can be made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It does not exist (any more).
    #[error("{} does not exist; mount it, or correct CONFIG_DIR", .0.display())]
    Missing(PathBuf),
    /// The kernel refused to look at it, or at something in it that was there before.
    #[error("cannot read {}: {source}; let the sidecar run as a user that may read it", .path.display())]
    Unreadable {
        /// What cannot be looked at.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl SnapshotError {
    /// What the kernel's word on the watched path means.
    pub fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP) => Self::Missing(path),
            _ => Self::Unreadable { path, source },
        }
    }
}

impl Snapshot {
    /// Reads a watched path, which leads through the volume `inside`, if any. Files that are the same as in `before` by their
    /// stat are not read again. The future yields now and then, so that a large directory does not delay a signal to the
    /// sidecar.
    pub async fn read(
        path: &Path,
        scope: Scope<'_>,
        inside: Option<&Path>,
        before: Option<&Self>,
    ) -> Result<Self, SnapshotError> {
        Reader::new(before).run(inside, Walk::new(path, scope, inside.is_some())).await
    }

    /// Whether its volumes are complete: none of so many has lost `..data`, they were complete while they were read, and
    /// after a swap the new files are as accessible as those of `before`.
    pub fn is_complete(&self, volumes: usize, before: &Self) -> bool {
        let is_accessible = || {
            let known: Vec<(&Path, Access)> = before.access().collect();
            self.payloads == before.payloads || kubelet::is_as_accessible(&known, self.access())
        };
        !self.notes.is_torn && self.payloads.len() >= volumes && is_accessible()
    }

    /// Who may read the files of volumes, in the order of their names.
    pub(super) fn access(&self) -> impl Iterator<Item = (&Path, Access)> {
        self.entries.iter().filter_map(|(name, entry)| Some((name.as_path(), entry.access?)))
    }
}
