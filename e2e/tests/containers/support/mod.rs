//! What the cases share: containers, and the scene that they make up.

mod app;
mod compose;
mod container;
pub(crate) mod log;
mod scene;
mod spec;

use std::time::Duration;

use sidecar_testkit::kubelet::{Payload, payload};

pub(crate) use app::App;
pub(crate) use compose::Compose;
pub(crate) use container::Container;
pub(crate) use scene::{APP_NAME, READY, Scene};
pub(crate) use spec::Spec;

/// How long anything may take that must happen: generous, for a machine under load.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// The file that most cases change.
pub(crate) const KEY: &str = "a.conf";

/// A configuration: that file with this content.
pub(crate) fn config(content: impl Into<Vec<u8>>) -> Payload {
    payload([(KEY, content)])
}
