//! Our own word for what the kernel said.

use std::path::PathBuf;

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The name appeared: created, linked, or moved to here.
    Appeared,
    /// The name went: deleted, moved away, or unmounted.
    Gone,
    /// The content was written, or a file that was open for writing was closed.
    Written,
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

impl Event {
    /// The event that makes everything be looked at again.
    #[must_use]
    pub fn lost() -> Self {
        Self { kind: EventKind::Lost, path: PathBuf::new() }
    }
}

/// `None` for the second report of a rename (`Both`), whose two halves come as events of their own.
pub(super) fn translate(event: notify::Event) -> Option<Event> {
    if event.need_rescan() {
        return Some(Event::lost());
    }
    let kind = kind(event.kind)?;
    event.paths.into_iter().next().map(|path| Event { kind, path })
}

fn kind(kind: notify::EventKind) -> Option<EventKind> {
    use notify::EventKind as Notify;
    Some(match kind {
        Notify::Access(AccessKind::Close(AccessMode::Write | AccessMode::Any)) => EventKind::Written,
        Notify::Access(_) => EventKind::Accessed,
        Notify::Create(_) | Notify::Modify(ModifyKind::Name(RenameMode::To)) => EventKind::Appeared,
        Notify::Modify(ModifyKind::Name(RenameMode::Both)) => return None,
        Notify::Remove(_) | Notify::Modify(ModifyKind::Name(_)) => EventKind::Gone,
        Notify::Modify(ModifyKind::Metadata(_)) => EventKind::Attributes,
        // What `notify` cannot name may be a change.
        Notify::Modify(_) | Notify::Any | Notify::Other => EventKind::Written,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag, MetadataKind, RemoveKind};

    #[test]
    fn every_kind_of_notify_has_its_word() {
        use notify::EventKind as Notify;
        let table = [
            (Notify::Create(CreateKind::File), Some(EventKind::Appeared)),
            (Notify::Create(CreateKind::Folder), Some(EventKind::Appeared)),
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
            (Notify::Access(AccessKind::Close(AccessMode::Write)), Some(EventKind::Written)),
        ];
        for (notify, ours) in table {
            let event = notify::Event::new(notify).add_path("/a".into());
            let expected = ours.map(|kind| Event { kind, path: "/a".into() });
            assert_eq!(translate(event), expected, "{notify:?}");
        }
    }

    #[test]
    fn an_overflow_is_a_lost_event() {
        let event = notify::Event::new(notify::EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(translate(event), Some(Event::lost()));
    }
}
