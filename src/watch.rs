//! Watch: the only user of `notify`. It turns kernel events into our own, keeps the kernel's watches where the watched
//! paths are, and holds one bounded slot of events for each watched path.

mod event;
mod inbox;
mod places;
mod way;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::{EventKindMask, INotifyWatcher, RecursiveMode, Watcher as _};

pub use event::{Event, EventKind, Writer};
pub use inbox::{Events, Hit, Inbox, Sign};
pub use places::{Interest, Place, Places, Volumes};
pub use way::{Root, Way};

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
    watches: Watches,
}

/// Device and inode: which directory or file a path meant when its watch was made.
type Identity = (u64, u64);

/// Every path that has a watch; `None` if the kernel may have dropped it, or the inode may have another name now. The
/// identity does not tell that, because inode numbers come back.
type Watches = Arc<Mutex<BTreeMap<PathBuf, Option<Identity>>>>;

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
    /// The path leads into another mount namespace.
    #[error(
        "cannot watch {}: /proc/PID/root leads into another mount namespace; mount the volume in the sidecar too",
        .0.display()
    )]
    Foreign(PathBuf),
}

impl WatchError {
    /// Whether there is nothing to do but poll until it is over: a limit of the node was reached, or a directory may not be
    /// looked at.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Instances(_) | Self::Watches(_) => true,
            Self::Refused { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            Self::Foreign(_) => false,
        }
    }
}

impl Watcher {
    /// Starts the event thread; it calls `sink` for each event, which must not wait for a call of this watcher.
    pub fn new(mut sink: Box<dyn FnMut(Event) + Send>) -> Result<Self, WatchError> {
        let watches = Watches::default();
        let of_thread = Arc::clone(&watches);
        let handler = move |result: notify::Result<notify::Event>| {
            // What an error of the event queue hides is unknown.
            let event = result.map_or_else(|_| Some(Event::lost()), event::translate);
            if let Some(event) = event {
                note_broken(&of_thread, &event);
                sink(event);
            }
        };
        let config = notify::Config::default().with_event_kinds(EVENT_KINDS);
        let inotify = INotifyWatcher::new(handler, config).map_err(WatchError::Instances)?;
        Ok(Self { inotify, watches })
    }

    /// Makes the kernel's watches those of `places`: adds new and broken ones, removes others, and touches no other,
    /// because events of a watch that is made again are lost. A place that went away meanwhile is left out: its
    /// disappearance is an event of the place above it. If a place cannot be watched, the others are, and the first error
    /// is returned.
    pub fn set(&mut self, places: &Places) -> Result<(), WatchError> {
        let is_over = |path: &Path, watched: Option<Identity>| {
            watched.is_none() || watched != identity(path) || places.at(path).is_empty()
        };
        let watches = lock(&self.watches);
        let over = watches.iter().filter(|(path, watched)| is_over(path, **watched));
        let over: Vec<PathBuf> = over.map(|(path, _)| path.clone()).collect();
        // The event thread needs the lock to answer the calls below.
        drop(watches);
        for path in over {
            // Fails where the kernel dropped the watch with its inode.
            let _ = self.inotify.unwatch(&path);
            lock(&self.watches).remove(&path);
        }
        let mut result = Ok(());
        for path in places.paths() {
            if lock(&self.watches).contains_key(path) {
                continue;
            }
            let Some(identity) = identity(path) else { continue };
            lock(&self.watches).insert(path.clone(), Some(identity));
            let added = self.add(path);
            if !matches!(added, Ok(true)) {
                lock(&self.watches).remove(path);
            }
            result = result.and(added.map(drop));
        }
        result
    }

    /// Returns whether there is a watch now; there is none where the path is gone, or where the directory above tells.
    fn add(&mut self, path: &Path) -> Result<bool, WatchError> {
        let Err(error) = self.inotify.watch(path, RecursiveMode::NonRecursive) else {
            return Ok(true);
        };
        let source = match error.kind {
            notify::ErrorKind::PathNotFound => return Ok(false),
            notify::ErrorKind::MaxFilesWatch => return Err(WatchError::Watches(path.to_owned())),
            notify::ErrorKind::Io(source) => source,
            other => io::Error::other(notify::Error::new(other)),
        };
        match source.kind() {
            io::ErrorKind::NotFound => Ok(false),
            // A file is watched by the directory above, too.
            io::ErrorKind::PermissionDenied if !path.is_dir() => Ok(false),
            _ => Err(WatchError::Refused { place: path.to_owned(), source }),
        }
    }
}

/// Refuses watched paths that lead into another mount namespace.
pub fn refuse_foreign(watched_paths: &[PathBuf]) -> Result<(), WatchError> {
    match watched_paths.iter().find(|path| Way::of(path).0 == Root::Foreign) {
        Some(path) => Err(WatchError::Foreign(path.clone())),
        None => Ok(()),
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

fn note_broken(watches: &Watches, event: &Event) {
    let mut watches = lock(watches);
    match event.kind {
        EventKind::Lost => watches.values_mut().for_each(|identity| *identity = None),
        EventKind::Gone => watches.get_mut(&event.path).into_iter().for_each(|identity| *identity = None),
        _ => {}
    }
}

fn lock(watches: &Watches) -> MutexGuard<'_, BTreeMap<PathBuf, Option<Identity>>> {
    watches.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
