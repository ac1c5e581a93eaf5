//! Watch: the only user of `notify`. Turns kernel events into our own, keeps the kernel's watches
//! where the watched paths are, and holds one bounded mark for each watched path.

mod event;
mod marks;
mod places;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::{EventKindMask, INotifyWatcher, RecursiveMode, Watcher as _};

pub use event::{Event, EventKind};
pub use marks::{Mark, Marks};
pub(crate) use places::{DATA_LINK, volume_of};
pub use places::{Interest, Place, Places, Root};

/// What a change can look like, and no more: opens, reads and attribute changes stay in the kernel
/// and wake nobody.
const EVENT_KINDS: EventKindMask = EventKindMask::CREATE
    .union(EventKindMask::REMOVE)
    .union(EventKindMask::MODIFY_DATA)
    .union(EventKindMask::MODIFY_NAME)
    .union(EventKindMask::ACCESS_CLOSE);

/// The kernel's watches, moved along as the watched paths move.
#[derive(Debug)]
pub struct Watcher {
    inotify: INotifyWatcher,
    held: Held,
    /// Whether watches may be missing, or on inodes that have other names now.
    doubtful: Arc<AtomicBool>,
}

/// Device and inode: which directory or file a path meant when its watch was made.
type Identity = (u64, u64);

/// Every path that has a watch; `None` where the kernel dropped it or the inode was renamed, which the
/// identity does not tell, because inode numbers come back.
type Held = Arc<Mutex<BTreeMap<PathBuf, Option<Identity>>>>;

/// A place that cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No inotify instance is left for this user.
    #[error(
        "cannot create an inotify instance: {0}; raise the node's sysctl fs.inotify.max_user_instances, \
         which all containers of one user share"
    )]
    Instances(#[source] notify::Error),
    /// No inotify watch is left for this user.
    #[error(
        "cannot watch {}: no inotify watch is left; raise the node's sysctl fs.inotify.max_user_watches, \
         which all containers of one user share", .0.display()
    )]
    Watches(PathBuf),
    /// The kernel refused the watch.
    #[error("cannot watch {}: {source}; the sidecar's user must be able to read it", .place.display())]
    Refused {
        /// The directory or file.
        place: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl WatchError {
    /// Whether a limit of the node was reached, which polling gets around.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::Instances(_) | Self::Watches(_))
    }
}

impl Watcher {
    /// Starts the event thread; it calls `sink` for each event, which must not wait for a call of this watcher.
    pub fn new(sink: impl FnMut(Event) + Send + 'static) -> Result<Self, WatchError> {
        // Once in the binary, for the daemon's sink and for that of a check.
        Self::boxed(Box::new(sink))
    }

    fn boxed(mut sink: Box<dyn FnMut(Event) + Send>) -> Result<Self, WatchError> {
        let held = Held::default();
        let seen_by_thread = Arc::clone(&held);
        let doubtful = Arc::new(AtomicBool::new(false));
        let thread_doubtful = Arc::clone(&doubtful);
        let handler = move |result: notify::Result<notify::Event>| {
            let event = match result {
                Ok(event) => event::translate(event),
                Err(error) if leaves_others_be(&error) => None,
                // A new subdirectory could not be watched; what was missed is unknown.
                Err(_) => Some(Event::lost()),
            };
            if let Some(event) = event {
                note_broken(&seen_by_thread, &event);
                thread_doubtful.fetch_or(event.kind == EventKind::Lost, Ordering::Relaxed);
                sink(event);
            }
        };
        let config = notify::Config::default().with_event_kinds(EVENT_KINDS);
        let inotify = INotifyWatcher::new(handler, config).map_err(WatchError::Instances)?;
        Ok(Self { inotify, held, doubtful })
    }

    /// Makes the kernel's watches those of `places`: new and broken ones are added, others removed. A
    /// place that went away meanwhile is left out, for its disappearance is an event of the place above it.
    pub fn hold(&mut self, places: &Places) -> Result<(), WatchError> {
        let mut wanted: BTreeMap<PathBuf, Identity> = BTreeMap::new();
        for place in places.iter() {
            if let Ok(identity) = identity(&place.path) {
                wanted.insert(place.path.clone(), identity);
            }
        }
        // A copy, because the event thread needs the lock to answer the calls below.
        let mut held = lock(&self.held).clone();
        if self.doubtful.swap(false, Ordering::Relaxed) {
            for identity in held.values_mut() {
                *identity = None;
            }
        }
        let sound = |path: &PathBuf| held.get(path).copied().flatten() == wanted.get(path).copied();
        for path in held.keys().filter(|path| !sound(path)) {
            // Fails where the kernel dropped the watch with its inode.
            let _ = self.inotify.unwatch(path);
            lock(&self.held).remove(path);
        }
        for (path, identity) in &wanted {
            if !sound(path) {
                lock(&self.held).insert(path.clone(), Some(*identity));
                let tree = places.at(path).iter().any(|place| place.interest == Interest::Tree);
                let mode = if tree { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
                let added = self.add(path, mode);
                if !matches!(added, Ok(true)) {
                    lock(&self.held).remove(path);
                }
                added?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, mode: RecursiveMode) -> Result<bool, WatchError> {
        let Err(error) = self.inotify.watch(path, mode) else {
            return Ok(true);
        };
        // What was made of a tree before the error would pass for the whole of it the next time.
        let _ = self.inotify.unwatch(path);
        let source = match error.kind {
            notify::ErrorKind::PathNotFound => return Ok(false),
            notify::ErrorKind::MaxFilesWatch => return Err(WatchError::Watches(path.to_owned())),
            notify::ErrorKind::Io(source) => source,
            other => io::Error::other(notify::Error::new(other)),
        };
        match source.kind() {
            io::ErrorKind::NotFound => Ok(false),
            // The directory above tells when it is replaced.
            io::ErrorKind::PermissionDenied if !path.is_dir() => Ok(false),
            _ => Err(WatchError::Refused { place: path.to_owned(), source }),
        }
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// A subdirectory that is gone already, or that the sidecar may not read: the digest tells of the one, and
/// cannot tell of the other.
fn leaves_others_be(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(source) => {
            matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
        }
        _ => false,
    }
}

fn note_broken(held: &Held, event: &Event) {
    if event.kind == EventKind::Gone
        && let Some(identity) = lock(held).get_mut(&event.path)
    {
        *identity = None;
    }
}

fn lock(held: &Held) -> MutexGuard<'_, BTreeMap<PathBuf, Option<Identity>>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
