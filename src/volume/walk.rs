//! The walk that makes a snapshot.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::libc;

use super::digest::{Digest, Hasher};
use super::{Content, Entry, Kind, Snapshot, SnapshotError};
use crate::filter::is_plumbing;
use crate::settings::IgnoreGlobs;

/// Larger files count by identity (contract 2).
const LARGEST_HASHED: u64 = 64 << 20;
/// After reading this much, or as many entries as weigh that much, the walk yields.
const YIELD_AFTER: u64 = 1 << 20;
const ENTRY_WEIGHT: u64 = 4 << 10;
const BUFFER: usize = 16 << 10;

/// Two writes within one tick of the file system's clock leave one and the same stat. The kernel's tick
/// is 10 ms at the most (`CONFIG_HZ`=100); a file system that keeps whole seconds, FAT even pairs of them,
/// shows it by times without nanoseconds.
const FINE_TICK: Duration = Duration::from_millis(20);
const COARSE_TICK: Duration = Duration::from_secs(2);

/// What a walk found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: BTreeMap<PathBuf, Entry>,
    pub(super) unreadable: Option<PathBuf>,
    /// The latest time of a change of any kind, mode and owner included: the only one that no program sets back.
    pub(super) changed: (i64, i64),
}

/// What tells that a file is the one that was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stat {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether a write from `now` on cannot leave the same stat.
    fn is_past(&self, now: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.changed.max(self.modified);
        let whole_seconds = self.changed.1 == 0 && self.modified.1 == 0;
        let tick = if whole_seconds { COARSE_TICK } else { FINE_TICK };
        let (Ok(seconds), Ok(nanoseconds)) = (u64::try_from(seconds), u32::try_from(nanoseconds)) else {
            return false;
        };
        let changed = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        now.duration_since(changed).is_ok_and(|age| age > tick)
    }
}

pub(super) struct Walk<'a> {
    root: &'a Path,
    ignore: &'a IgnoreGlobs,
    before: Option<&'a Snapshot>,
    whole_tree: bool,
    data: Option<OsString>,
    found: Found,
    /// Directories above the one at hand, by identity: a link back to one of them ends the walk there.
    above: Vec<(u64, u64)>,
    ahead: Vec<Step>,
    weight: u64,
}

enum Step {
    Visit(PathBuf),
    Leave,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        root: &'a Path,
        ignore: &'a IgnoreGlobs,
        before: Option<&'a Snapshot>,
        whole_tree: bool,
        data: Option<OsString>,
    ) -> Self {
        let (found, above, ahead) = (Found::default(), Vec::new(), Vec::new());
        Self { root, ignore, before, whole_tree, data, found, above, ahead, weight: 0 }
    }

    pub(super) async fn run(mut self) -> Result<Found, SnapshotError> {
        let metadata = fs::metadata(self.root).map_err(|source| SnapshotError::new(self.root, source))?;
        if metadata.is_dir() {
            self.enter(Path::new(""), &metadata).map_err(|source| SnapshotError::new(self.root, source))?;
        } else {
            self.ahead.push(Step::Visit(PathBuf::new()));
        }
        // A link can be led elsewhere without a change of what it leads to.
        if let Ok(link) = fs::symlink_metadata(self.root) {
            self.found.changed = self.found.changed.max((link.ctime(), link.ctime_nsec()));
        }
        while let Some(step) = self.ahead.pop() {
            match step {
                Step::Leave => drop(self.above.pop()),
                Step::Visit(name) => self.visit(name).await,
            }
        }
        Ok(self.found)
    }

    fn enter(&mut self, name: &Path, metadata: &Metadata) -> io::Result<()> {
        let entries = fs::read_dir(self.root.join(name))?;
        self.above.push((metadata.dev(), metadata.ino()));
        self.found.changed = self.found.changed.max((metadata.ctime(), metadata.ctime_nsec()));
        self.ahead.push(Step::Leave);
        for entry in entries {
            let entry_name = entry?.file_name();
            let below = name.join(&entry_name);
            if !is_plumbing(&entry_name) && !self.ignore.matches(&below) {
                self.ahead.push(Step::Visit(below));
            }
        }
        Ok(())
    }

    async fn visit(&mut self, name: PathBuf) {
        self.rest(ENTRY_WEIGHT).await;
        let path = if name.as_os_str().is_empty() { self.root.to_owned() } else { self.root.join(&name) };
        let entry = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Some(self.directory(&name, &metadata)),
            Ok(metadata) if metadata.is_file() => self.file(&name, &path, &metadata).await,
            Ok(_) => Some(Entry { kind: Kind::Special, content: Content::None, stat: None }),
            Err(_) => dangling(&path),
        };
        if let Some(entry) = entry {
            self.found.entries.insert(name, entry);
        }
    }

    fn directory(&mut self, name: &Path, metadata: &Metadata) -> Entry {
        let circle = self.above.contains(&(metadata.dev(), metadata.ino()));
        if self.whole_tree && !circle && self.enter(name, metadata).is_err() {
            self.found.unreadable.get_or_insert_with(|| self.root.join(name));
        }
        Entry { kind: Kind::Directory, content: Content::None, stat: None }
    }

    /// `None` if the file went away: its going is an event of its own.
    async fn file(&mut self, name: &Path, path: &Path, metadata: &Metadata) -> Option<Entry> {
        let stat = Stat::of(metadata);
        self.found.changed = self.found.changed.max(stat.changed);
        let known = self.before.and_then(|before| before.entries().get(name));
        if let Some(known) = known.filter(|known| known.kind == Kind::File && known.stat == Some(stat)) {
            return Some(*known);
        }
        let started = SystemTime::now();
        let content = if metadata.len() > LARGEST_HASHED {
            Content::Identity(self.identity(metadata))
        } else {
            match self.hash(path).await {
                Ok(digest) => Content::Bytes(digest),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
                Err(_) => {
                    self.found.unreadable.get_or_insert_with(|| path.to_owned());
                    Content::Identity(self.identity(metadata))
                }
            }
        };
        Some(Entry { kind: Kind::File, content, stat: stat.is_past(started).then_some(stat) })
    }

    fn identity(&self, metadata: &Metadata) -> Digest {
        let mut hasher = Hasher::default();
        hasher.field(&metadata.ino().to_le_bytes());
        hasher.field(&metadata.len().to_le_bytes());
        hasher.field(&metadata.mtime().to_le_bytes());
        hasher.field(&metadata.mtime_nsec().to_le_bytes());
        hasher.field(self.data.as_ref().map_or(&[], |target| target.as_encoded_bytes()));
        hasher.finish()
    }

    async fn hash(&mut self, path: &Path) -> io::Result<Digest> {
        let mut file = open(path)?;
        let mut hasher = Hasher::default();
        let mut left = LARGEST_HASHED;
        // A file that grows while it is read is written to, and so marks its path again.
        while left > 0 {
            let count = hash_piece(&mut file, &mut hasher)?;
            if count == 0 {
                break;
            }
            left = left.saturating_sub(count);
            self.rest(count).await;
        }
        Ok(hasher.finish())
    }

    async fn rest(&mut self, weight: u64) {
        self.weight += weight;
        if self.weight >= YIELD_AFTER {
            self.weight = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// The buffer is on the stack: so large a piece of the heap would be mapped and unmapped for each file.
fn hash_piece(file: &mut File, hasher: &mut Hasher) -> io::Result<u64> {
    let mut buffer = [0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(count) => {
                hasher.part(&buffer[..count]);
                return Ok(count as u64);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Without blocking, for the name may have become a FIFO since it was looked at.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Ok(file)
}

/// A link that leads nowhere counts by where it points to; a name that went away does not count.
fn dangling(path: &Path) -> Option<Entry> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let mut hasher = Hasher::default();
    if let Ok(target) = fs::read_link(path) {
        hasher.field(target.as_os_str().as_encoded_bytes());
    }
    let kind = if metadata.is_symlink() { Kind::Dangling } else { Kind::Special };
    Some(Entry { kind, content: Content::Bytes(hasher.finish()), stat: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_trusted_once_no_write_can_leave_the_same() {
        let stat = |seconds, nanoseconds| Stat {
            device: 1,
            inode: 1,
            size: 1,
            modified: (5, 1),
            changed: (seconds, nanoseconds),
        };
        let whole = Stat { modified: (10, 0), ..stat(10, 0) };
        let table = [
            (stat(10, 1_000_000), 10_021, false),
            (stat(10, 1_000_000), 10_022, true),
            (Stat { modified: (10, 5_000_000), ..stat(10, 0) }, 10_025, false),
            (Stat { modified: (10, 5_000_000), ..stat(10, 0) }, 10_026, true),
            (whole, 12_000, false),
            (whole, 12_001, true),
            // By the clock of another machine, it is written in the future.
            (stat(99, 0), 10_000, false),
            (Stat { modified: (-7, 0), ..stat(-5, 0) }, 10_000, false),
        ];
        for (stat, now, trusted) in table {
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now);
            assert_eq!(stat.is_past(now), trusted, "{stat:?} at {now:?}");
        }
    }
}
