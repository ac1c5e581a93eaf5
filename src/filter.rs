//! Filter: can this event mean a change? A pure function of the event and the places.

use std::path::Path;

use crate::settings::IgnoreGlobs;
use crate::watch::{Event, EventKind, Interest, Place, Places};

/// An event that can mean a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Index of the watched path.
    pub watched: usize,
    /// Whether the way to the watched path may have changed, so that its places must be found anew.
    pub moved: bool,
}

/// The watched paths that this event can be a change of.
///
/// Opens, reads, closes without a write and attribute changes never are. A dropped event can be a
/// change of any path.
pub fn hits<'a>(
    event: &'a Event,
    places: &'a Places,
    ignore: &'a IgnoreGlobs,
) -> impl Iterator<Item = Hit> + 'a {
    let (possible, lost) = match event.kind {
        EventKind::Accessed | EventKind::Attributes => (false, false),
        EventKind::Lost => (true, true),
        EventKind::Appeared | EventKind::Gone | EventKind::Written => (true, false),
    };
    let everywhere = places.iter().filter(move |_| lost);
    let parent = event.path.parent().unwrap_or(Path::new(""));
    let here = places.at(&event.path).iter().filter(move |_| possible && !lost);
    let below = places.at(parent).iter().filter(move |_| possible && !lost);
    let within = places.trees_above(&event.path).filter(move |_| possible && !lost);
    everywhere
        .map(|place| Hit { watched: place.watched, moved: true })
        .chain(here.filter_map(|place| hit_itself(event, place)))
        .chain(below.filter_map(|place| hit_name(event, place, ignore)))
        .chain(within.filter_map(|place| hit_tree(event, place, ignore)))
}

/// The watched directories in which a name came or went, be it one that counts or not; the swap of a volume is none.
pub fn renames<'a>(event: &'a Event, places: &'a Places) -> impl Iterator<Item = usize> + 'a {
    let parent = event.path.parent().unwrap_or(Path::new(""));
    let is_swap = event.path.file_name().is_some_and(is_plumbing);
    let there = matches!(event.kind, EventKind::Appeared | EventKind::Gone) && !is_swap;
    let lost = event.kind == EventKind::Lost;
    let everywhere = places.iter().filter(move |_| lost);
    everywhere.chain(places.at(parent).iter().filter(move |_| there)).map(|place| place.watched)
}

fn hit_itself(event: &Event, place: &Place) -> Option<Hit> {
    let moved = event.kind == EventKind::Gone;
    let content = event.kind == EventKind::Written && place.interest == Interest::Content;
    (moved || content).then_some(Hit { watched: place.watched, moved })
}

fn hit_name(event: &Event, place: &Place, ignore: &IgnoreGlobs) -> Option<Hit> {
    let name = event.path.file_name()?;
    let counts = match &place.interest {
        Interest::Everything => !is_plumbing(name) && !ignore.matches(Path::new(name)) || is_data_link(name),
        Interest::Name(wanted) => wanted == name,
        Interest::Content | Interest::Tree => false,
    };
    // A name on the way that is only written leads to where it led before.
    let on_the_way = matches!(place.interest, Interest::Name(_)) && event.kind != EventKind::Written;
    counts.then_some(Hit { watched: place.watched, moved: on_the_way })
}

fn hit_tree(event: &Event, place: &Place, ignore: &IgnoreGlobs) -> Option<Hit> {
    let below = event.path.strip_prefix(&place.path).ok()?;
    let (name, above) = (below.file_name()?, below.parent()?);
    let in_plumbing = above.iter().any(is_plumbing);
    let counts = !is_plumbing(name) && !ignore.matches(below) || is_data_link(name);
    (counts && !in_plumbing).then_some(Hit { watched: place.watched, moved: false })
}

/// Names that belong to the kubelet and not to the user (contract 3).
#[must_use]
pub fn is_plumbing(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"..")
}

fn is_data_link(name: &std::ffi::OsStr) -> bool {
    name == crate::watch::DATA_LINK
}

#[cfg(test)]
mod tests;
