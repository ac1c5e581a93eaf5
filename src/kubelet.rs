//! Kubelet: how the kubelet's AtomicWriter writes a volume (`pkg/volume/util/atomic_writer.go`).
//!
//! A volume holds a directory for each update (`..2026_11_22_10_00_00.123`), a link `..data` to the current one, and a
//! visible link for each key (`key -> ..data/key`). An update writes a new directory, renames `..data` onto it, and then
//! adds and removes visible links. Some kubelets make the visible links first.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The link that each update swaps.
pub const DATA_LINK: &str = "..data";

/// Whether the name belongs to the kubelet and not to the user.
pub fn is_plumbing(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"..")
}

/// Whether the name is that of a directory that `..data` leads to.
pub fn is_payload_directory(name: &OsStr) -> bool {
    const PATTERN: &[u8] = b"..0000_00_00";
    let alike = |(byte, pattern): (&u8, &u8)| match pattern {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    };
    let bytes = name.as_encoded_bytes();
    bytes.len() >= PATTERN.len() && bytes.iter().zip(PATTERN).all(alike)
}

/// Whether this link of a volume leads into the payload.
pub fn is_visible_link(link: &Path) -> bool {
    fs::read_link(link).is_ok_and(|target| target.starts_with(DATA_LINK))
}

/// Where the `..data` link of a volume leads now: to another directory after each update. `None` if there is no such link.
pub fn payload(volume: &Path) -> Option<OsString> {
    fs::read_link(volume.join(DATA_LINK)).ok().map(PathBuf::into_os_string)
}

/// What `..data` leads to.
#[derive(Debug)]
pub struct Payload {
    /// The text of the link.
    pub directory: OsString,
    /// In order.
    names: Vec<OsString>,
}

impl Payload {
    /// Lists it.
    pub fn of(volume: &Path) -> io::Result<Self> {
        let directory = fs::read_link(volume.join(DATA_LINK))?;
        let mut names = Vec::new();
        for entry in fs::read_dir(volume.join(&directory))? {
            names.push(entry?.file_name());
        }
        names.retain(|name| !is_plumbing(name));
        names.sort_unstable();
        Ok(Self { directory: directory.into_os_string(), names })
    }

    /// Whether it holds this name.
    pub fn holds(&self, name: &OsString) -> bool {
        self.names.binary_search(name).is_ok()
    }

    /// Whether these links of the volume have the same names. A link to elsewhere is not the kubelet's.
    pub fn has_same_names<'a>(&self, volume: &Path, links: impl IntoIterator<Item = &'a OsString>) -> bool {
        let mut linked = 0;
        for name in links {
            if self.holds(name) {
                linked += 1;
            } else if is_visible_link(&volume.join(name)) {
                return false;
            }
        }
        linked == self.names.len()
    }
}

/// Where `..data` leads, if the volume is complete by its names. What cannot be listed is not known to be: reading it tells
/// why.
pub fn complete_payload(volume: &Path) -> Option<OsString> {
    let is_link = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_symlink());
    let entries = fs::read_dir(volume).ok()?.filter_map(Result::ok).filter(is_link);
    let links: Vec<OsString> =
        entries.map(|entry| entry.file_name()).filter(|name| !is_plumbing(name)).collect();
    let payload = Payload::of(volume).ok()?;
    payload.has_same_names(volume, &links).then_some(payload.directory)
}

/// When the kubelet wrote a volume last, by the clock of its file system. A chmod or chown of the content, which older
/// kubelets repeat at each sync, does not count. `None` if it cannot be looked at.
pub fn written_at(volume: &Path) -> Option<SystemTime> {
    let modified = |path: &Path| fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).ok();
    Some(modified(&volume.join(DATA_LINK))?.max(modified(volume)?))
}

/// Which users may read a file: kubelets before 1.27 set the group (`fsGroup`) after the swap (kubernetes#114461).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    owner: u32,
    group: u32,
    /// The permissions to read, of owner, group and others.
    readable: u32,
}

impl Access {
    /// The access to the file with this metadata.
    pub fn of(metadata: &Metadata) -> Self {
        Self { owner: metadata.uid(), group: metadata.gid(), readable: metadata.mode() & 0o444 }
    }

    /// Whether the file is as accessible as `before` was.
    fn is_like(self, before: Self) -> bool {
        (self.owner, self.group) == (before.owner, before.group)
            && self.readable & before.readable == before.readable
    }

    fn has_owner_of(self, other: Self) -> bool {
        (self.owner, self.group) == (other.owner, other.group)
    }
}

/// Whether the new files are as accessible as those before the swap: each one as the file of its name, and a new name
/// as any of them. Without files before, there is nothing to compare with.
pub fn is_as_accessible<'a>(
    before: &[(&'a Path, Access)],
    after: impl IntoIterator<Item = (&'a Path, Access)>,
) -> bool {
    before.is_empty()
        || after.into_iter().all(|(name, access)| match before.iter().find(|(before, _)| *before == name) {
            Some((_, before)) => access.is_like(*before),
            None => before.iter().any(|(_, before)| access.has_owner_of(*before)),
        })
}

#[cfg(test)]
mod tests;
