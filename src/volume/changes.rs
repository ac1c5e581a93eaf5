//! What differs between two snapshots, for the log.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Snapshot;

/// How many names the log shows; the rest is counted.
const MOST_SHOWN: usize = 5;
/// What became of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Change {
    /// It was not there before.
    Added = b'+',
    /// Its kind or content is another.
    Changed = b'~',
    /// It is not there any more.
    Removed = b'-',
}

/// The names that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Vec<(PathBuf, Change)>);

impl Changes {
    /// What has to happen to `before` for it to be `after`.
    pub fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let mut changes = Vec::new();
        for (name, entry) in &after.entries {
            match before.entries.get(name) {
                None => changes.push((name.clone(), Change::Added)),
                Some(old) if !old.same_as(entry) => changes.push((name.clone(), Change::Changed)),
                Some(_) => (),
            }
        }
        let removed = before.entries.keys().filter(|name| !after.entries.contains_key(*name));
        changes.extend(removed.map(|name| (name.clone(), Change::Removed)));
        Self(changes)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(name, _)| name.as_path())
    }

    /// Whether all of them are new.
    pub fn are_additions(&self) -> bool {
        self.0.iter().all(|(_, change)| *change == Change::Added)
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, change)) in self.0.iter().take(MOST_SHOWN).enumerate() {
            let sign = char::from(*change as u8);
            let separator = if index == 0 { "" } else { " " };
            // The watched file itself has no name below the watched path.
            let name = if name.as_os_str().is_empty() { Path::new(".") } else { name };
            write!(f, "{separator}{sign}{}", name.display())?;
        }
        let more = self.0.len().saturating_sub(MOST_SHOWN);
        if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
    }
}
