//! Filter: can this event mean a change? A pure function of the event and the places.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::kubelet::DATA_LINK;
use crate::scope::Scope;
use crate::watch::{Event, EventKind, Hit, Interest, Place, Places, Sign};

/// The watched paths that this event can be a change of.
///
/// Opens, reads, closes without a write and attribute changes never are. A dropped event can be a
/// change of any path.
pub fn hits<'a>(event: &'a Event, places: &'a Places, scope: Scope<'a>) -> impl Iterator<Item = Hit> + 'a {
    let is_lost = event.kind == EventKind::Lost;
    let is_possible = !is_lost && !matches!(event.kind, EventKind::Accessed | EventKind::Attributes);
    let everywhere = places.iter().filter(move |_| is_lost);
    let parent = event.path.parent().unwrap_or(Path::new(""));
    let here = places.at(&event.path).iter().filter(move |_| is_possible);
    let below = places.at(parent).iter().filter(move |_| is_possible);
    everywhere
        .map(|place| Hit { watched: place.watched, sign: Sign::Plain, moved: true })
        .chain(here.filter_map(|place| hit_itself(event, place)))
        .chain(below.filter_map(move |place| hit_name(event, place, scope)))
}

fn hit_itself(event: &Event, place: &Place) -> Option<Hit> {
    let moved = event.kind == EventKind::Gone;
    let is_written = matches!(event.kind, EventKind::Written | EventKind::Closed);
    let content = is_written && place.interest == Interest::Content;
    (moved || content).then_some(Hit { watched: place.watched, sign: Sign::Plain, moved })
}

fn hit_name(event: &Event, place: &Place, scope: Scope<'_>) -> Option<Hit> {
    let name = event.path.file_name()?;
    let hit = |sign, moved| Some(Hit { watched: place.watched, sign, moved });
    let came_or_went = !matches!(event.kind, EventKind::Written | EventKind::Closed);
    match &place.interest {
        Interest::Content => None,
        // A swap leads to what is not watched, and other links may lead anywhere.
        Interest::Name { name: wanted, in_volume: true } if wanted == name => {
            hit(Sign::Volume, came_or_went && (name != DATA_LINK || event.kind == EventKind::Gone))
        }
        Interest::Name { name: wanted, .. } => {
            if wanted == name {
                hit(Sign::Plain, came_or_went)
            } else {
                None
            }
        }
        Interest::Directory { volume, .. } if name == DATA_LINK => {
            hit(Sign::Volume, volume.is_none() || event.kind == EventKind::Gone)
        }
        Interest::Directory { below, volume } => {
            if !scope.counts(below, name) {
                return None;
            }
            match volume {
                Some(real_names) if is_of_kubelet(event, name, real_names) => hit(Sign::Volume, false),
                Some(_) => hit(Sign::Plain, came_or_went),
                None => hit(Sign::Plain, leads_on(event)),
            }
        }
    }
}

/// Whether a visible link of a volume came or went.
fn is_of_kubelet(event: &Event, name: &OsStr, real_names: &[OsString]) -> bool {
    event.kind == EventKind::NewLink
        || event.kind == EventKind::Gone && real_names.iter().all(|real| real != name)
}

/// Whether there may be something to watch behind what appeared.
fn leads_on(event: &Event) -> bool {
    matches!(event.kind, EventKind::NewDirectory | EventKind::NewLink)
}

#[cfg(test)]
mod tests;
