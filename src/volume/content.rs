//! Content: what stands for a file in the digest, and when it must be read again.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::libc;

use super::digest::{Digest, Hasher};
use crate::walk::changed_at;

/// Larger files count by identity.
pub(super) const LARGEST_HASHED: u64 = 64 << 20;
/// So much is read at once. The buffer is on the stack.
const PIECE: usize = 16 << 10;

/// Two writes within one tick of the file system's clock leave one and the same stat. The longest tick is that of FAT,
/// which keeps pairs of seconds.
const LONGEST_TICK: Duration = Duration::from_secs(2);

/// What tells that a file is the one that was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    content: (u64, u64, u64, i64, i64),
    changed: Option<SystemTime>,
}

impl Stat {
    pub(super) fn of(file: &Metadata) -> Self {
        let content = (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec());
        Self { content, changed: changed_at(file) }
    }

    /// Whether the content is most likely the same, whatever became of mode and owner.
    pub(super) fn has_content_of(&self, other: &Self) -> bool {
        self.content == other.content
    }

    /// Whether a write from `now` on cannot leave the same stat.
    pub(super) fn is_past(&self, now: SystemTime) -> bool {
        let age = self.changed.and_then(|changed| now.duration_since(changed).ok());
        age.is_some_and(|age| age > LONGEST_TICK)
    }

    /// What stands for the content of a file that is not read.
    pub(super) fn identity(&self) -> Digest {
        let (_, inode, size, seconds, nanoseconds) = self.content;
        let (seconds, nanoseconds) = (seconds.to_le_bytes(), nanoseconds.to_le_bytes());
        Digest::of(&[&inode.to_le_bytes(), &size.to_le_bytes(), &seconds, &nanoseconds])
    }
}

/// Opens a regular file without blocking, because the name may have become a FIFO since it was looked at.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Reads a piece of a file into the hasher; returns its length, which is zero at the end.
pub(super) fn hash_piece(mut file: &File, hasher: &mut Hasher) -> io::Result<u64> {
    let mut buffer = [0; PIECE];
    loop {
        match file.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
            Ok(count) => {
                hasher.part(&buffer[..count]);
                return Ok(count as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_trusted_once_no_write_can_leave_the_same() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let table = [
            (Some(at(10_000)), 12_000, false),
            (Some(at(10_000)), 12_001, true),
            // By the clock of another machine, it is written in the future.
            (Some(at(99_000)), 10_000, false),
            // Before 1970.
            (None, 10_000, false),
        ];
        for (changed, now, trusted) in table {
            let stat = Stat { content: (1, 1, 1, 5, 1), changed };
            assert_eq!(stat.is_past(at(now)), trusted, "{stat:?} at {now}");
        }
    }
}
