//! Volume: what a watched path holds now: its snapshot, and its digest.

mod age;
mod changes;
mod content;
mod digest;
mod reader;
mod snapshot;

pub use age::last_change;
pub use changes::{Change, Changes};
pub use digest::Digest;
pub use snapshot::{Entry, Kind, Notes, Snapshot, SnapshotError, Warning};

#[cfg(test)]
mod tests;
