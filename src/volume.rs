//! Volume: what a watched path holds now: its layout, its state, its snapshot, its digest.

mod changes;
mod digest;
mod snapshot;
mod state;
mod walk;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use changes::{Change, Changes};
pub use digest::Digest;
pub use snapshot::{Content, Entry, Kind, Scope, Snapshot, SnapshotError};
pub use state::State;

use crate::watch::{DATA_LINK, Root, volume_of};

/// How a watched path is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// By anybody, in place.
    Plain,
    /// By the kubelet's AtomicWriter.
    Kubelet {
        /// The directory that holds the `..data` link.
        volume: PathBuf,
        /// Whether the watched path is the volume, and not something in it.
        whole: bool,
    },
}

impl Layout {
    /// The layout of a watched path as it is now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        volume_of(path).map_or(Self::Plain, |volume| {
            let end = Root::of(path);
            Self::Kubelet { whole: end == Root::Directory(volume.clone()), volume }
        })
    }

    /// When the kubelet wrote the volume last, by the clock of its file system: chmod and chown of its content,
    /// which older kubelets repeat at each sync, do not count. `None` if this is no volume.
    #[must_use]
    pub fn swapped_at(&self) -> Option<SystemTime> {
        let Self::Kubelet { volume, .. } = self else { return None };
        let modified = |path: &Path| fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).ok();
        Some(modified(&volume.join(DATA_LINK))?.max(modified(volume)?))
    }

    /// What `..data` points to: another directory after each swap.
    fn data_target(&self) -> Option<OsString> {
        match self {
            Self::Plain => None,
            Self::Kubelet { volume, .. } => {
                fs::read_link(volume.join(DATA_LINK)).ok().map(PathBuf::into_os_string)
            }
        }
    }
}

/// Whether the path exists and can be read, by a look that costs nothing.
pub fn check_readable(path: &Path) -> Result<(), SnapshotError> {
    let look = fs::metadata(path)
        .and_then(|metadata| if metadata.is_dir() { fs::read_dir(path).map(drop) } else { Ok(()) });
    look.map_err(|source| SnapshotError::new(path, source))
}

#[cfg(test)]
mod tests;
