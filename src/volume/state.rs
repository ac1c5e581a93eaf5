//! State: what can be seen of a watched path at a glance, before its content is read.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Layout, Snapshot, SnapshotError};
use crate::filter::is_plumbing;
use crate::settle::Readiness;
use crate::watch::DATA_LINK;

/// What a watched path looks like, so that it can be told afterwards whether what was read is of one update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whether more is to come.
    pub readiness: Readiness,
    layout: Layout,
    data_target: Option<OsString>,
    /// The names in a whole volume that users see.
    names: Option<Arc<[Name]>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Name {
    name: OsString,
    is_link: bool,
}

impl State {
    /// The state of a watched path now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self::with_names(Layout::of(path), None)
    }

    /// The state of the same path now, if it was not moved since; nor, with `same_names`, did any name come or go.
    #[must_use]
    pub fn again(&self, same_names: bool) -> Self {
        Self::with_names(self.layout.clone(), self.names.clone().filter(|_| same_names))
    }

    fn with_names(layout: Layout, names: Option<Arc<[Name]>>) -> Self {
        let data_target = layout.data_target();
        let (readiness, names) = match (&layout, &data_target) {
            (Layout::Plain, _) => (Readiness::Plain, None),
            (Layout::Kubelet { volume, whole }, Some(target)) => match look(volume, target, names) {
                Ok((true, names)) => (Readiness::Consistent, whole.then_some(names)),
                Ok((false, names)) => (Readiness::Inconsistent, whole.then_some(names)),
                Err(_) => (Readiness::Inconsistent, None),
            },
            (Layout::Kubelet { .. }, None) => (Readiness::Inconsistent, None),
        };
        Self { readiness, layout, data_target, names }
    }

    /// How the path is written.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether there is a volume of the kubelet's.
    #[must_use]
    pub fn is_volume(&self) -> bool {
        self.data_target.is_some()
    }

    /// Whether what was read since is of this state and of no later one: the volume was not swapped meanwhile, and
    /// no name of it went.
    #[must_use]
    pub fn held(&self, result: &Result<Snapshot, SnapshotError>) -> bool {
        let whole = result.as_ref().map_or(true, Snapshot::is_whole);
        !self.is_volume() || (whole && self.layout.data_target() == self.data_target)
    }

    /// Where to read: a volume by its own path, for the names are those that it had there.
    pub(super) fn root<'a>(&'a self, watched: &'a Path) -> &'a Path {
        match &self.layout {
            Layout::Kubelet { volume, whole: true } => volume,
            _ => watched,
        }
    }

    /// A volume is swapped with all that is below it.
    pub(super) fn is_swapped_as_a_whole(&self) -> bool {
        self.layout != Layout::Plain
    }

    /// Whether the volume was swapped since that snapshot.
    pub(super) fn is_after_swap_of(&self, before: &Snapshot) -> bool {
        self.is_volume() && self.data_target() != before.data_target()
    }

    pub(super) fn names(&self) -> Option<impl Iterator<Item = &OsStr>> {
        self.names.as_deref().map(|names| names.iter().map(|name| name.name.as_os_str()))
    }

    pub(super) fn data_target(&self) -> Option<&OsStr> {
        self.data_target.as_deref()
    }
}

/// Whether the visible links and the entries of `..data/`, which leads to `data_target`, name the same set; and the
/// visible names, which are listed unless they are known.
fn look(volume: &Path, data_target: &OsStr, names: Option<Arc<[Name]>>) -> io::Result<(bool, Arc<[Name]>)> {
    let mut payload = Vec::new();
    for entry in fs::read_dir(volume.join(data_target))? {
        payload.push(entry?.file_name());
    }
    payload.retain(|name| !is_plumbing(name));
    payload.sort_unstable();
    let names = names.map_or_else(|| visible(volume), Ok)?;
    let (mut linked, mut dangling) = (0, false);
    for name in names.iter().filter(|name| name.is_link) {
        if payload.binary_search(&name.name).is_ok() {
            linked += 1;
        } else {
            // A link to elsewhere is not the kubelet's.
            dangling |= fs::read_link(volume.join(&name.name))?.starts_with(DATA_LINK);
        }
    }
    Ok((!dangling && linked == payload.len(), names))
}

fn visible(volume: &Path) -> io::Result<Arc<[Name]>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(volume)? {
        let entry = entry?;
        let (name, is_link) = (entry.file_name(), entry.file_type()?.is_symlink());
        if !is_plumbing(&name) {
            names.push(Name { name, is_link });
        }
    }
    Ok(names.into())
}
