//! Replays the kubelet's `AtomicWriter`: the system calls by which the volume of a `ConfigMap`, a
//! Secret or a projected source changes, in the order of today's kubelets or of older ones.
//!
//! The kubelet goes through a payload in random order; here it is the order of the names.

mod timestamp;
mod update;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::clock::Nanos;
use update::Update;

/// The content of a volume: relative path (`a.conf`, `conf.d/a.conf`) → content.
pub type Payload = BTreeMap<String, Vec<u8>>;

/// Builds a [`Payload`] from pairs of key and content.
pub fn payload<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> Payload
where
    K: Into<String>,
    V: Into<Vec<u8>>,
{
    let pair = |(key, content): (K, V)| (key.into(), content.into());
    entries.into_iter().map(pair).collect()
}

/// When the visible links of added keys are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// After `..data` was swapped: today's kubelets.
    #[default]
    LinksAfterSwap,
    /// Before `..data` is swapped: kubelets up to about 2020.
    LinksBeforeSwap,
}

impl Order {
    fn sequence(self) -> [Step; 5] {
        use Step::{LinksMade, LinksRemoved, OldRemoved, PayloadWritten, Swapped};
        match self {
            Order::LinksAfterSwap => [PayloadWritten, Swapped, LinksMade, LinksRemoved, OldRemoved],
            Order::LinksBeforeSwap => [PayloadWritten, LinksMade, Swapped, LinksRemoved, OldRemoved],
        }
    }
}

/// What a write has just done; the argument of the hook of [`Volume::write_with`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The new timestamped directory is complete, and nothing visible has changed.
    PayloadWritten,
    /// `..data` leads to the new directory.
    Swapped,
    /// Every key has its visible link.
    LinksMade,
    /// Dropped keys have no visible link any more.
    LinksRemoved,
    /// The old timestamped directory is gone: the write is complete.
    OldRemoved,
}

/// What a write did to `..data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// When `..data` was swapped; `None` if the volume had this payload already, or if the hook
    /// stopped the write earlier.
    pub renamed: Option<Renamed>,
}

/// The time right before and right after the `rename` onto `..data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// Right before the system call.
    pub before: Nanos,
    /// Right after it.
    pub after: Nanos,
}

/// A directory that is written as the kubelet writes a volume.
#[derive(Clone, Debug)]
pub struct Volume {
    dir: PathBuf,
    order: Order,
    mode: u32,
    fs_group: Option<u32>,
}

impl Volume {
    /// Makes the directory where it is missing, and projects `payload` into it.
    pub fn create(dir: &Path, payload: &Payload) -> io::Result<Volume> {
        fs::create_dir_all(dir)?;
        let volume = Volume::open(dir)?;
        volume.write(payload)?;
        Ok(volume)
    }

    /// Takes a directory that exists, empty or written before; changes nothing.
    pub fn open(dir: &Path) -> io::Result<Volume> {
        if !fs::metadata(dir)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Volume { dir: dir.to_owned(), order: Order::default(), mode: 0o644, fs_group: None })
    }

    /// Sets the order of the following writes.
    pub fn order(mut self, order: Order) -> Volume {
        self.order = order;
        self
    }

    /// Sets the mode of the files of the following writes (`defaultMode`; 0644 at first).
    pub fn mode(mut self, mode: u32) -> Volume {
        self.mode = mode;
        self
    }

    /// Lets the following writes set the ownership of the whole volume, as for a pod with `fsGroup`.
    pub fn fs_group(mut self, gid: u32) -> Volume {
        self.fs_group = Some(gid);
        self
    }

    /// The directory of the volume.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Projects `payload`, as one sync of the kubelet does.
    pub fn write(&self, payload: &Payload) -> io::Result<Swap> {
        self.write_with(payload, |_| ControlFlow::Continue(()))
    }

    /// Like [`Volume::write`]; calls `hook` after each step. `Break` leaves the volume as it is
    /// then, as a kubelet that dies.
    ///
    /// A payload that is there already has no steps.
    pub fn write_with(
        &self,
        payload: &Payload,
        mut hook: impl FnMut(Step) -> ControlFlow<()>,
    ) -> io::Result<Swap> {
        update::check_paths(payload)?;
        let mut update = Update::plan(self, payload)?;
        if !update.is_needed()? {
            update.sync_unchanged()?;
            return Ok(Swap { renamed: None });
        }
        for step in self.order.sequence() {
            update.take(step)?;
            if hook(step).is_break() {
                break;
            }
        }
        Ok(Swap { renamed: update.renamed() })
    }
}
