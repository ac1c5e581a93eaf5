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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{EventKindMask, INotifyWatcher, RecursiveMode, Watcher as _};

pub use event::{Event, EventKind, Node, Writer};
pub use inbox::{Events, Inbox, Sign};
pub use places::{Interest, Place, Places, Volumes};
pub use way::{Root, Way};

use crate::kubelet::is_plumbing;

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
    watched: BTreeMap<PathBuf, Identity>,
    /// Whether the kernel may have dropped a watch, or an inode may have another name now. The identity does not tell
    /// that, because inode numbers come back.
    is_doubtful: Arc<AtomicBool>,
}

/// Device and inode: which directory or file a path meant when its watch was made.
type Identity = (u64, u64);

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
        "cannot watch {}: it leads through /proc/PID/root into another mount namespace, where links cannot be followed; \
         mount the volume in the sidecar too, and watch it there", .0.display()
    )]
    Foreign(PathBuf),
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
        let is_doubtful = Arc::new(AtomicBool::new(false));
        let doubt = Arc::clone(&is_doubtful);
        let handler = move |result: notify::Result<notify::Event>| {
            // What an error of the event queue hides is unknown.
            let event = result.map_or_else(|_| Some(Event::lost()), event::translate);
            if let Some(event) = event {
                doubt.fetch_or(casts_doubt(&event), Ordering::Relaxed);
                sink(event);
            }
        };
        let config = notify::Config::default().with_event_kinds(EVENT_KINDS);
        let inotify = INotifyWatcher::new(handler, config).map_err(WatchError::Instances)?;
        Ok(Self { inotify, watched: BTreeMap::new(), is_doubtful })
    }

    /// Makes the kernel's watches those of `places`: adds new and doubtful ones, removes others. A place that went away
    /// meanwhile is left out, because its disappearance is an event of the place above it.
    pub fn set(&mut self, places: &Places) -> Result<(), WatchError> {
        if self.is_doubtful.swap(false, Ordering::Relaxed) {
            self.watched.values_mut().for_each(|identity| *identity = Identity::default());
        }
        let wanted: BTreeMap<&PathBuf, Identity> =
            places.paths().filter_map(|path| Some((path, identity(path)?))).collect();
        let inotify = &mut self.inotify;
        self.watched.retain(|path, identity| {
            let is_sound = wanted.get(path) == Some(identity);
            if !is_sound {
                // Fails where the kernel dropped the watch with its inode.
                let _ = inotify.unwatch(path);
            }
            is_sound
        });
        for (path, identity) in wanted {
            if !self.watched.contains_key(path) && self.add(path)? {
                self.watched.insert(path.clone(), identity);
            }
        }
        Ok(())
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
            io::ErrorKind::PermissionDenied if !path.is_dir() => Ok(false),
            _ => Err(WatchError::Refused { place: path.to_owned(), source }),
        }
    }
}

/// Refuses watched paths that lead into another mount namespace.
pub fn refuse_foreign(watched_paths: &[PathBuf]) -> Result<(), WatchError> {
    match watched_paths.iter().find(|path| Root::of(path) == Root::Foreign) {
        Some(path) => Err(WatchError::Foreign(path.clone())),
        None => Ok(()),
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// A swap of a volume takes no directory away that is watched.
fn casts_doubt(event: &Event) -> bool {
    let is_plumbing = event.path.file_name().is_some_and(is_plumbing);
    event.kind == EventKind::Lost || event.kind == EventKind::Gone && !is_plumbing
}

#[cfg(test)]
mod tests;
