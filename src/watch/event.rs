//! Our own word for what the kernel said.

use std::fs;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};

use crate::kubelet::is_plumbing;

/// What happened to a path. A name appears when it is created, linked, or moved to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A file was created, so that its writer has it open.
    NewFile,
    /// A directory appeared.
    NewDirectory,
    /// A link appeared.
    NewLink,
    /// Anything else appeared, or it is gone already.
    Appeared,
    /// The name went: deleted, moved away, or unmounted.
    Gone,
    /// The content was written, by a program that still has the file open.
    Written,
    /// A file that was open for writing was closed.
    Closed,
    /// Opened, read, or closed without a write.
    Accessed,
    /// Mode, owner, times or link count changed.
    Attributes,
    /// The kernel dropped events (`IN_Q_OVERFLOW`, inotify(7)): anything may have happened.
    Lost,
}

/// One event of a watched place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To which path, below the place as it was watched; empty for [`EventKind::Lost`].
    pub path: PathBuf,
}

/// Whether a program has a file open to write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// It has, until the file is closed. The number stands for the path.
    Open(u64),
    /// It no longer has, or the file is gone.
    Through(u64),
}

impl Event {
    /// The event that makes everything be looked at again.
    pub fn lost() -> Self {
        Self { kind: EventKind::Lost, path: PathBuf::new() }
    }

    /// What the event says about a writer of the file.
    pub fn writer(&self) -> Option<Writer> {
        let number = || BuildHasherDefault::<DefaultHasher>::default().hash_one(&self.path);
        match self.kind {
            EventKind::NewFile | EventKind::Written => Some(Writer::Open(number())),
            EventKind::Closed | EventKind::Gone => Some(Writer::Through(number())),
            _ => None,
        }
    }
}

/// `None` for the second report of a rename (`Both`), whose two halves come as events of their own.
pub(super) fn translate(event: notify::Event) -> Option<Event> {
    if event.need_rescan() {
        return Some(Event::lost());
    }
    let path = event.paths.into_iter().next()?;
    let kind = kind(event.kind, &path)?;
    Some(Event { kind, path })
}

fn kind(kind: notify::EventKind, path: &Path) -> Option<EventKind> {
    use notify::EventKind as Notify;
    Some(match kind {
        Notify::Access(AccessKind::Close(AccessMode::Write | AccessMode::Any)) => EventKind::Closed,
        Notify::Access(_) => EventKind::Accessed,
        Notify::Create(CreateKind::Folder) => EventKind::NewDirectory,
        Notify::Create(_) => appeared(path, true),
        Notify::Modify(ModifyKind::Name(RenameMode::To)) => appeared(path, false),
        Notify::Modify(ModifyKind::Name(RenameMode::Both)) => return None,
        Notify::Remove(_) | Notify::Modify(ModifyKind::Name(_)) => EventKind::Gone,
        Notify::Modify(ModifyKind::Metadata(_)) => EventKind::Attributes,
        // What `notify` cannot name may be a change.
        Notify::Modify(_) | Notify::Any | Notify::Other => EventKind::Written,
    })
}

/// What is there now. A file with a second name was linked, and a link has no writer. The kubelet's own names are not
/// looked at, because nothing depends on it.
fn appeared(path: &Path, is_created: bool) -> EventKind {
    if path.file_name().is_some_and(is_plumbing) {
        return EventKind::Appeared;
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => EventKind::NewLink,
        Ok(metadata) if metadata.is_dir() => EventKind::NewDirectory,
        Ok(metadata) if is_created && metadata.is_file() && metadata.nlink() == 1 => EventKind::NewFile,
        _ => EventKind::Appeared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{DataChange, Flag, MetadataKind, RemoveKind};
    use std::os::unix::fs::symlink;

    #[test]
    fn every_kind_of_notify_has_its_word() {
        use notify::EventKind as Notify;
        let table = [
            (Notify::Create(CreateKind::File), Some(EventKind::Appeared)),
            (Notify::Create(CreateKind::Folder), Some(EventKind::NewDirectory)),
            (Notify::Remove(RemoveKind::File), Some(EventKind::Gone)),
            (Notify::Remove(RemoveKind::Folder), Some(EventKind::Gone)),
            (Notify::Remove(RemoveKind::Other), Some(EventKind::Gone)),
            (Notify::Modify(ModifyKind::Data(DataChange::Any)), Some(EventKind::Written)),
            (Notify::Modify(ModifyKind::Any), Some(EventKind::Written)),
            (Notify::Modify(ModifyKind::Metadata(MetadataKind::Any)), Some(EventKind::Attributes)),
            (Notify::Modify(ModifyKind::Name(RenameMode::To)), Some(EventKind::Appeared)),
            (Notify::Modify(ModifyKind::Name(RenameMode::From)), Some(EventKind::Gone)),
            (Notify::Modify(ModifyKind::Name(RenameMode::Both)), None),
            (Notify::Access(AccessKind::Open(AccessMode::Any)), Some(EventKind::Accessed)),
            (Notify::Access(AccessKind::Read), Some(EventKind::Accessed)),
            (Notify::Access(AccessKind::Close(AccessMode::Read)), Some(EventKind::Accessed)),
            (Notify::Access(AccessKind::Close(AccessMode::Write)), Some(EventKind::Closed)),
        ];
        for (notify, ours) in table {
            let event = notify::Event::new(notify).add_path("/nowhere/a".into());
            let expected = ours.map(|kind| Event { kind, path: "/nowhere/a".into() });
            assert_eq!(translate(event), expected, "{notify:?}");
        }
    }

    #[test]
    fn what_appeared_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), "").unwrap();
        fs::write(path("linked"), "").unwrap();
        fs::hard_link(path("linked"), path("again")).unwrap();
        fs::create_dir(path("directory")).unwrap();
        symlink("file", path("link")).unwrap();
        let table = [
            ("file", EventKind::NewFile, EventKind::Appeared),
            ("linked", EventKind::Appeared, EventKind::Appeared),
            ("directory", EventKind::NewDirectory, EventKind::NewDirectory),
            ("link", EventKind::NewLink, EventKind::NewLink),
            ("missing", EventKind::Appeared, EventKind::Appeared),
        ];
        for (name, created, moved) in table {
            assert_eq!(
                (appeared(&path(name), true), appeared(&path(name), false)),
                (created, moved),
                "{name}"
            );
        }
    }

    #[test]
    fn a_writer_is_through_once_its_file_is_closed_or_gone() {
        let writer = |kind, path: &str| Event { kind, path: path.into() }.writer();
        let Some(Writer::Open(number)) = writer(EventKind::Written, "/a") else { panic!("no writer") };
        assert_eq!(writer(EventKind::NewFile, "/a"), Some(Writer::Open(number)));
        assert_eq!(writer(EventKind::Closed, "/a"), Some(Writer::Through(number)));
        assert_eq!(writer(EventKind::Gone, "/a"), Some(Writer::Through(number)));
        assert_ne!(writer(EventKind::Written, "/b"), Some(Writer::Open(number)));
        for kind in [EventKind::Accessed, EventKind::Attributes, EventKind::Lost] {
            assert_eq!(writer(kind, "/a"), None);
        }
        for kind in [EventKind::NewDirectory, EventKind::NewLink, EventKind::Appeared] {
            assert_eq!(writer(kind, "/a"), None);
        }
    }

    #[test]
    fn an_overflow_is_a_lost_event() {
        let event = notify::Event::new(notify::EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(translate(event), Some(Event::lost()));
    }
}
