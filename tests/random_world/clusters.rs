//! How many reloads a burst can be: actions that follow each other within the quiet period are one.

use sidecar_testkit::clock::Nanos;

use crate::observed::{Action, Effect};
use crate::view::Views;

/// Counts the reloads that can have a cause.
pub(crate) struct Clusters {
    pub(crate) reloads: usize,
    /// What there was before the next action.
    before: Views,
    /// Whether a writer is in the middle of something then.
    writing: bool,
    open: Option<Cluster>,
    /// When the last volume was swapped, and the last directory made.
    swapped: Option<Nanos>,
    moved: Option<Nanos>,
    /// Whether something was mounted: until a resync finds it, no event tells of what is written there.
    unseen: bool,
    /// A gap up to this is within the quiet period for certain.
    limit: Nanos,
    max_wait: Nanos,
}

/// Actions that wait for quiet together.
struct Cluster {
    /// What there was before the first of them.
    before: Views,
    first: Nanos,
    /// When the last of them began that changed something.
    last: Nanos,
    /// Whether the longest wait ended meanwhile: what was reloaded then may be neither what was before nor what is after.
    is_overdue: bool,
}

impl Clusters {
    pub(crate) fn new(start: &Views, limit: Nanos, max_wait: Nanos) -> Self {
        Self {
            reloads: 0,
            before: start.clone(),
            writing: false,
            open: None,
            swapped: None,
            moved: None,
            unseen: false,
            limit,
            max_wait,
        }
    }

    /// The next action, and what there is after it.
    pub(crate) fn take(&mut self, action: &Action, state: &Views) {
        // The change of an act that pauses is that of the whole act.
        if action.effect == Effect::Midway {
            return;
        }
        if !self.waits_for(action) {
            self.close();
        }
        let changed = *state != self.before;
        match action.effect {
            Effect::Midway => {}
            // Joins what waits for quiet; alone it is a reload at once.
            Effect::Swap => {
                self.reloads += usize::from(changed && self.open.is_none());
                self.swapped = Some(action.end);
            }
            // A resync may find it at any time.
            Effect::Unseen => {
                self.reloads += usize::from(changed);
                self.unseen = true;
            }
            _ if self.unseen => self.reloads += usize::from(changed),
            Effect::Ordinary | Effect::Close => self.extend(action, changed),
            Effect::Moved => {
                self.extend(action, changed);
                self.moved = Some(action.end);
            }
        }
        self.before.clone_from(state);
        self.writing = !action.finished;
    }

    /// Whatever waits is settled: a reload, if it changed anything.
    pub(crate) fn close(&mut self) {
        if let Some(cluster) = self.open.take() {
            self.reloads += usize::from(cluster.is_overdue || cluster.before != self.before);
        }
    }

    /// Does what is open wait for this action?
    fn waits_for(&self, action: &Action) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| self.writing || action.end.saturating_sub(open.last) <= self.limit)
    }

    fn is_soon_after(&self, earlier: Option<Nanos>, action: &Action) -> bool {
        earlier.is_some_and(|earlier| action.start < earlier + self.limit / 2)
    }

    fn extend(&mut self, action: &Action, changed: bool) {
        if changed && self.open.is_none() {
            let before = self.before.clone();
            // The reload of a swap may find the change just before its event arrives.
            self.reloads += usize::from(self.is_soon_after(self.swapped, action));
            self.open = Some(Cluster { before, first: action.start, last: action.start, is_overdue: false });
        }
        // The sidecar may not know that the file is open.
        self.reloads += usize::from(!action.finished && self.is_soon_after(self.moved, action));
        let Some(open) = &mut self.open else { return };
        // What changes nothing may be no event at all, so it prolongs nothing.
        if changed || action.effect == Effect::Close {
            open.last = action.start;
        }
        while action.end.saturating_sub(open.first) > self.max_wait {
            open.first += self.max_wait.max(1);
            open.is_overdue = true;
            self.reloads += 1;
        }
    }
}
