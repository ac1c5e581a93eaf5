//! A snapshot: every name of a watched path with its kind and content.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::libc;

use super::digest::Hasher;
use super::walk::{self, Walk};
use super::{Digest, State};
use crate::settings::IgnoreGlobs;

/// How often a snapshot is begun again because the kubelet swapped the volume under it.
const MOST_SWAPS: u32 = 10;

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A FIFO, socket or device: its content is not configuration, and opening it could block.
    Special,
    /// A link that leads nowhere.
    Dangling,
}

/// What stands for a name's content in the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Digest of the bytes (of a file, or of where a dangling link points to).
    Bytes(Digest),
    /// Digest of inode, size and time, where the bytes cannot be read or are too many.
    Identity(Digest),
    /// Nothing but the kind counts.
    None,
}

/// One name of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub(super) kind: Kind,
    pub(super) content: Content,
    pub(super) stat: Option<walk::Stat>,
}

impl Entry {
    /// Whether the digest sees no difference.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.content == other.content
    }

    fn write_to(&self, hasher: &mut Hasher) {
        let kind = match self.kind {
            Kind::File => b'f',
            Kind::Directory => b'd',
            Kind::Special => b's',
            Kind::Dangling => b'l',
        };
        hasher.field(&[kind]);
        match &self.content {
            Content::Bytes(digest) | Content::Identity(digest) => hasher.field(digest.bytes()),
            Content::None => hasher.field(&[]),
        }
    }
}

/// What of a watched path counts.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Names that never count.
    pub ignore: &'a IgnoreGlobs,
    /// Whether what is in subdirectories counts.
    pub recursive: bool,
}

/// What a watched path held at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    entries: BTreeMap<PathBuf, Entry>,
    digest: Digest,
    unreadable: Option<PathBuf>,
    changed: SystemTime,
    whole: bool,
    data_target: Option<OsString>,
}

/// A watched path of which no snapshot can be made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It does not exist (any more).
    #[error("{} does not exist; mount it, or correct CONFIG_DIR", .0.display())]
    Missing(PathBuf),
    /// The kernel refused to list it.
    #[error("cannot read {}: {source}; let the sidecar run as a user that may read it", .path.display())]
    Unreadable {
        /// The watched path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl SnapshotError {
    /// What the kernel's word on the watched path means.
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP) => Self::Missing(path),
            _ => Self::Unreadable { path, source },
        }
    }
}

impl Snapshot {
    /// Reads the watched path, and again if the kubelet swapped it meanwhile.
    pub async fn of(path: &Path, scope: Scope<'_>, before: Option<&Self>) -> Result<Self, SnapshotError> {
        Self::with_state(path, scope, before).await.1
    }

    /// The same, with the state in which the path was read.
    pub async fn with_state(
        path: &Path,
        scope: Scope<'_>,
        before: Option<&Self>,
    ) -> (State, Result<Self, SnapshotError>) {
        let mut swaps = 0;
        loop {
            let state = State::of(path);
            let result = Self::in_state(path, &state, scope, before).await;
            swaps += 1;
            if swaps == MOST_SWAPS || state.held(&result) {
                return (state, result);
            }
        }
    }

    /// Reads the watched path, which was seen to be in this state; [`State::held`] tells whether it still was. Files
    /// whose stat is that of `before` are not read again. The future yields now and then, so that a large directory
    /// does not delay a signal to the sidecar.
    pub async fn in_state(
        path: &Path,
        state: &State,
        scope: Scope<'_>,
        before: Option<&Self>,
    ) -> Result<Self, SnapshotError> {
        let result = Walk::new(path, state, scope, before).run().await;
        let data_target = state.data_target().map(ToOwned::to_owned);
        result
            .map(|found| Self::from_walk(found, data_target))
            .map_err(|source| SnapshotError::new(path, source))
    }

    fn from_walk(found: walk::Found, data_target: Option<OsString>) -> Self {
        let walk::Found { entries, unreadable, changed, whole } = found;
        let mut hasher = Hasher::default();
        for (name, entry) in &entries {
            hasher.field(name.as_os_str().as_encoded_bytes());
            entry.write_to(&mut hasher);
        }
        Self { digest: hasher.finish(), entries, unreadable, changed, whole, data_target }
    }

    /// All names below the watched path; a single file's own name is empty.
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<PathBuf, Entry> {
        &self.entries
    }

    /// The digest of all entries.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// A file that could not be read, and so counts by identity.
    #[must_use]
    pub fn unreadable(&self) -> Option<&Path> {
        self.unreadable.as_deref()
    }

    /// When this configuration came to be, at the latest: a chmod or chown of a plain file looks the same.
    #[must_use]
    pub fn changed_at(&self) -> SystemTime {
        self.changed
    }

    pub(super) fn data_target(&self) -> Option<&OsStr> {
        self.data_target.as_deref()
    }

    /// Whether each name was still there when its turn came.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }
}
