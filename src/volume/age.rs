//! Age: when what a watched path holds came to be. It decides at start whether an application has read it.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::SystemTime;

use crate::scope::Scope;
use crate::walk::{Entered, Visit, Walk, changed_at};

/// When what the kubelet does not write changed last at a watched path, mode and owner included: the only time that no
/// program sets back. `inside` is whether the path leads through a volume.
pub fn last_change(path: &Path, scope: Scope<'_>, inside: bool) -> Option<SystemTime> {
    // A link can be led elsewhere without a change of what it leads to.
    let link = fs::symlink_metadata(path).ok().filter(Metadata::is_symlink);
    let visits = Walk::new(path, scope, inside).filter(|visit| !visit.in_volume && has_age(visit));
    let found = visits.filter_map(|visit| visit.found.ok());
    link.into_iter().chain(found).filter_map(|metadata| changed_at(&metadata)).max()
}

/// What the kubelet writes is as old as its swap, and a directory whose last change is an ignored name has no age.
fn has_age(visit: &Visit) -> bool {
    match &visit.entered {
        Entered::Yes(listing) => listing.volume.is_none() && !listing.is_aged_by_ignored,
        Entered::No => visit.found.as_ref().is_ok_and(|metadata| !metadata.is_dir()),
        Entered::Failed(_) => false,
    }
}
