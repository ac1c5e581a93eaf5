//! Volume: what a watched path holds now: its layout, its snapshot, its digest.

mod changes;
mod digest;
mod snapshot;
mod walk;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub use changes::{Change, Changes};
pub use digest::Digest;
pub use snapshot::{Content, Entry, Kind, Scope, Snapshot, SnapshotError};

use crate::settle::Readiness;
use crate::watch::{DATA_LINK, volume_of};

/// How a watched path is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// By anybody, in place.
    Plain,
    /// By the kubelet's AtomicWriter; the directory that holds the `..data` link.
    Kubelet(PathBuf),
}

impl Layout {
    /// The layout of a watched path as it is now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        volume_of(path).map_or(Self::Plain, Self::Kubelet)
    }

    /// Whether more is to come (contract 3).
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        match self {
            Self::Plain => Readiness::Plain,
            Self::Kubelet(volume) if is_consistent(volume).unwrap_or(false) => Readiness::Consistent,
            Self::Kubelet(_) => Readiness::Inconsistent,
        }
    }

    /// When the kubelet wrote the volume last, by the clock of its file system: chmod and chown of its content,
    /// which older kubelets repeat at each sync, do not count.
    fn swapped_at(&self) -> Option<(i64, i64)> {
        let Self::Kubelet(volume) = self else { return None };
        let link = fs::symlink_metadata(volume.join(DATA_LINK)).ok()?;
        let names = fs::symlink_metadata(volume).ok()?;
        Some((link.mtime(), link.mtime_nsec()).max((names.mtime(), names.mtime_nsec())))
    }

    /// What `..data` points to: another directory after each swap.
    fn data_target(&self) -> Option<OsString> {
        match self {
            Self::Plain => None,
            Self::Kubelet(volume) => fs::read_link(volume.join(DATA_LINK)).ok().map(PathBuf::into_os_string),
        }
    }
}

/// What can be seen of a watched path at a glance. If it is the same before and after the content was read,
/// no swap happened in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whether more is to come.
    pub readiness: Readiness,
    layout: Layout,
    data_target: Option<OsString>,
}

impl State {
    /// The state of a watched path now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let layout = Layout::of(path);
        let data_target = layout.data_target();
        let readiness = layout.readiness();
        // A volume that is swapped while it is looked at is in the middle of an update.
        let readiness = if layout.data_target() == data_target { readiness } else { Readiness::Inconsistent };
        Self { readiness, layout, data_target }
    }
}

/// Whether the visible links and the entries of `..data/` name the same set.
fn is_consistent(volume: &Path) -> io::Result<bool> {
    let mut payload = BTreeSet::new();
    for entry in fs::read_dir(volume.join(DATA_LINK))? {
        payload.insert(entry?.file_name());
    }
    for entry in fs::read_dir(volume)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_symlink() && name != DATA_LINK {
            // A link to elsewhere is not the kubelet's.
            if !payload.remove(&name) && fs::read_link(entry.path())?.starts_with(DATA_LINK) {
                return Ok(false);
            }
        }
    }
    Ok(payload.is_empty())
}

/// Whether the path exists and can be read, by a look that costs nothing.
pub fn check_readable(path: &Path) -> Result<(), SnapshotError> {
    let look = fs::metadata(path)
        .and_then(|metadata| if metadata.is_dir() { fs::read_dir(path).map(drop) } else { Ok(()) });
    look.map_err(|source| SnapshotError::new(path, source))
}

#[cfg(test)]
mod tests;
