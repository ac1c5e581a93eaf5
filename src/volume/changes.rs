//! What differs between two snapshots, for the log.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Snapshot;

/// How many names the log shows; the rest is counted.
const MOST_SHOWN: usize = 5;
/// How many names are kept.
const MOST_NAMES: usize = 1000;

/// What became of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there before.
    Added,
    /// Its kind or content is another.
    Changed,
    /// It is not there any more.
    Removed,
}

/// The names that differ, most of them by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    named: Vec<(PathBuf, Change)>,
    more: usize,
}

impl Changes {
    /// What has to happen to `before` for it to be `after`.
    #[must_use]
    pub fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let mut changes = Self::default();
        for (name, entry) in after.entries() {
            match before.entries().get(name) {
                None => changes.push(name, Change::Added),
                Some(old) if !old.same_as(entry) => changes.push(name, Change::Changed),
                Some(_) => (),
            }
        }
        let removed = before.entries().keys().filter(|name| !after.entries().contains_key(*name));
        removed.for_each(|name| changes.push(name, Change::Removed));
        changes
    }

    /// The names that differ, the first thousand.
    pub fn names(&self) -> impl Iterator<Item = &Path> {
        self.named.iter().map(|(name, _)| name.as_path())
    }

    /// Whether all of them are new.
    #[must_use]
    pub fn are_additions(&self) -> bool {
        self.more == 0 && self.named.iter().all(|(_, change)| *change == Change::Added)
    }

    fn push(&mut self, name: &Path, change: Change) {
        if self.named.len() < MOST_NAMES {
            self.named.push((name.to_owned(), change));
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, change)) in self.named.iter().take(MOST_SHOWN).enumerate() {
            let sign = match change {
                Change::Added => '+',
                Change::Changed => '~',
                Change::Removed => '-',
            };
            let separator = if index == 0 { "" } else { " " };
            // The watched file itself has no name below the watched path.
            let name = if name.as_os_str().is_empty() { Path::new(".") } else { name };
            write!(f, "{separator}{sign}{}", name.display())?;
        }
        let more = self.more + self.named.len().saturating_sub(MOST_SHOWN);
        if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
    }
}
