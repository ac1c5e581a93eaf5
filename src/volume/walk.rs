//! The walk that makes a snapshot.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::libc;

use super::digest::{Digest, Hasher};
use super::{Content, Entry, Kind, Scope, Snapshot, State};
use crate::filter::is_plumbing;

/// Larger files count by identity (contract 2).
const LARGEST_HASHED: u64 = 64 << 20;
/// After reading this much, or as many entries as weigh that much, the walk yields.
const YIELD_AFTER: u64 = 1 << 20;
const ENTRY_WEIGHT: u64 = 4 << 10;
/// Most files of a configuration fit into the first; for others, fewer reads are worth the larger one.
const SMALL_BUFFER: usize = 4 << 10;
const LARGE_BUFFER: usize = 16 << 10;

/// Two writes within one tick of the file system's clock leave one and the same stat. The kernel's tick
/// is 10 ms at the most (`CONFIG_HZ`=100); a file system that keeps whole seconds, FAT even pairs of them,
/// shows it by times without nanoseconds.
const FINE_TICK: Duration = Duration::from_millis(20);
const COARSE_TICK: Duration = Duration::from_secs(2);

/// What a walk found.
pub(super) struct Found {
    pub(super) entries: BTreeMap<PathBuf, Entry>,
    pub(super) unreadable: Option<PathBuf>,
    /// The latest time of a change of any kind, mode and owner included: the only one that no program sets back.
    pub(super) changed: SystemTime,
    /// Whether each name was still there when its turn came.
    pub(super) whole: bool,
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
        let changed = time(seconds, nanoseconds);
        changed.is_some_and(|changed| now.duration_since(changed).is_ok_and(|age| age > tick))
    }
}

/// `None` before 1970.
fn time(seconds: i64, nanoseconds: i64) -> Option<SystemTime> {
    let since_1970 = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
    Some(SystemTime::UNIX_EPOCH + since_1970)
}

pub(super) struct Walk<'a> {
    root: &'a Path,
    scope: Scope<'a>,
    before: Option<&'a Snapshot>,
    state: &'a State,
    /// Whether the volume is another than it was before.
    is_swapped: bool,
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
        path: &'a Path,
        state: &'a State,
        scope: Scope<'a>,
        before: Option<&'a Snapshot>,
    ) -> Self {
        let found = Found {
            entries: BTreeMap::new(),
            unreadable: None,
            changed: SystemTime::UNIX_EPOCH,
            whole: true,
        };
        let is_swapped = before.is_some_and(|before| state.is_after_swap_of(before));
        let (above, ahead) = (Vec::new(), Vec::new());
        Self { root: state.root(path), scope, before, state, is_swapped, found, above, ahead, weight: 0 }
    }

    /// Fails where there is no root, or none that can be listed.
    pub(super) async fn run(mut self) -> io::Result<Found> {
        match self.state.names() {
            Some(names) => names.for_each(|name| self.plan(Path::new(""), name)),
            None => self.begin()?,
        }
        while let Some(step) = self.ahead.pop() {
            match step {
                Step::Leave => drop(self.above.pop()),
                Step::Visit(name) => self.visit(name).await,
            }
        }
        Ok(self.found)
    }

    fn begin(&mut self) -> io::Result<()> {
        let metadata = fs::metadata(self.root)?;
        // A link can be led elsewhere without a change of what it leads to.
        if let Ok(link) = fs::symlink_metadata(self.root) {
            self.note_change(&link);
        }
        if metadata.is_dir() {
            return self.enter(Path::new(""), &metadata);
        }
        self.ahead.push(Step::Visit(PathBuf::new()));
        Ok(())
    }

    fn enter(&mut self, name: &Path, directory: &Metadata) -> io::Result<()> {
        let entries = fs::read_dir(self.root.join(name))?;
        self.above.push((directory.dev(), directory.ino()));
        self.note_change(directory);
        self.ahead.push(Step::Leave);
        for entry in entries {
            self.plan(name, &entry?.file_name());
        }
        Ok(())
    }

    fn plan(&mut self, above: &Path, name: &OsStr) {
        let below = above.join(name);
        if !is_plumbing(name) && !self.scope.ignore.matches(&below) {
            self.ahead.push(Step::Visit(below));
        }
    }

    fn note_change(&mut self, metadata: &Metadata) {
        let changed = time(metadata.ctime(), metadata.ctime_nsec());
        self.found.changed = self.found.changed.max(changed.unwrap_or(SystemTime::UNIX_EPOCH));
    }

    async fn visit(&mut self, name: PathBuf) {
        self.rest(ENTRY_WEIGHT).await;
        let path = if name.as_os_str().is_empty() { self.root.to_owned() } else { self.root.join(&name) };
        // What a swap brought is new, and of the kubelet's making: no stat can tell that it was read before, and no
        // device is opened by mistake.
        let opened = if self.is_swapped { open(&path).ok() } else { None };
        let metadata = opened.as_ref().map_or_else(|| fs::metadata(&path), File::metadata);
        let entry = match metadata {
            Ok(metadata) if metadata.is_dir() => Some(self.directory(&name, &metadata)),
            Ok(metadata) if metadata.is_file() => self.file(&name, &path, &metadata, opened).await,
            Ok(_) => Some(Entry { kind: Kind::Special, content: Content::None, stat: None }),
            Err(_) => match dangling(&path) {
                Ok(entry) => Some(entry),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                // What may not be looked at does not go: it is left out each time.
                Err(_) => return,
            },
        };
        match entry {
            Some(entry) => drop(self.found.entries.insert(name, entry)),
            None => self.found.whole = false,
        }
    }

    fn directory(&mut self, name: &Path, metadata: &Metadata) -> Entry {
        let circle = self.above.contains(&(metadata.dev(), metadata.ino()));
        let whole_tree = self.scope.recursive || self.state.is_swapped_as_a_whole();
        if whole_tree && !circle && self.enter(name, metadata).is_err() {
            self.found.unreadable.get_or_insert_with(|| self.root.join(name));
        }
        Entry { kind: Kind::Directory, content: Content::None, stat: None }
    }

    /// `None` if the file went away: its going is an event of its own.
    async fn file(
        &mut self,
        name: &Path,
        path: &Path,
        metadata: &Metadata,
        opened: Option<File>,
    ) -> Option<Entry> {
        let stat = Stat::of(metadata);
        self.note_change(metadata);
        let known = self.before.and_then(|before| before.entries().get(name));
        if let Some(known) = known.filter(|known| known.kind == Kind::File && known.stat == Some(stat)) {
            return Some(*known);
        }
        let started = SystemTime::now();
        let content = if metadata.len() > LARGEST_HASHED {
            Content::Identity(self.identity(metadata))
        } else {
            let file = opened.map_or_else(|| open_file(path), Ok);
            let digest = match file {
                Ok(file) => self.hash(file, metadata.len()).await,
                Err(error) => Err(error),
            };
            match digest {
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
        hasher.field(self.state.data_target().map_or(&[], OsStr::as_encoded_bytes));
        hasher.finish()
    }

    /// A file that grows while it is read is written to, and so marks its path again.
    async fn hash(&mut self, file: File, size: u64) -> io::Result<Digest> {
        let mut hasher = Hasher::default();
        let mut done = 0;
        while done < LARGEST_HASHED {
            let piece = if size < SMALL_BUFFER as u64 {
                hash_piece::<SMALL_BUFFER>(&file, &mut hasher)?
            } else {
                hash_piece::<LARGE_BUFFER>(&file, &mut hasher)?
            };
            done += piece.length;
            if piece.length == 0 || (piece.is_short && done == size) {
                break;
            }
            self.rest(piece.length).await;
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

struct Piece {
    length: u64,
    /// Whether the buffer had room for more, as at the end of a file.
    is_short: bool,
}

/// The buffer is on the stack: so large a piece of the heap would be mapped and unmapped for each file.
fn hash_piece<const SIZE: usize>(mut file: &File, hasher: &mut Hasher) -> io::Result<Piece> {
    let mut buffer = [0; SIZE];
    loop {
        match file.read(&mut buffer) {
            Ok(count) => {
                hasher.part(&buffer[..count]);
                return Ok(Piece { length: count as u64, is_short: count < SIZE });
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Without blocking, for the name may have become a FIFO since it was looked at.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// The same, and an error for what is no file any more.
fn open_file(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Ok(file)
}

/// A link that leads nowhere counts by where it points to; a name that went away does not count.
fn dangling(path: &Path) -> io::Result<Entry> {
    let metadata = fs::symlink_metadata(path)?;
    let mut hasher = Hasher::default();
    if let Ok(target) = fs::read_link(path) {
        hasher.field(target.as_os_str().as_encoded_bytes());
    }
    let kind = if metadata.is_symlink() { Kind::Dangling } else { Kind::Special };
    Ok(Entry { kind, content: Content::Bytes(hasher.finish()), stat: None })
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
