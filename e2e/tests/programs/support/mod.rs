//! What the cases share: a pod with programs and the sidecar in it, clients, and the table of what was measured.

pub(crate) mod dns;
pub(crate) mod held;
pub(crate) mod http;
mod pod;
pub(crate) mod postgres;
mod program;
pub(crate) mod psql;
mod row;
mod sidecar;
mod stream;

use std::time::Duration;

use sidecar_testkit::clock;
use sidecar_testkit::kubelet::{Payload, Volume};

pub(crate) use held::Held;
pub(crate) use pod::{Disposition, Pod};
pub(crate) use program::{find, missing, version};
pub(crate) use row::{Row, table};
pub(crate) use sidecar::Sidecar;
pub(crate) use stream::{Stream, Traffic};

/// How long anything may take that must happen: generous, for a machine under load.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// What every case starts.
pub(crate) const TOOLS: &[&str] = &["unshare", "nsenter", "setpriv", "ip"];

/// Changes a volume, and gives how long it took from the swap until `wait` saw the effect.
#[track_caller]
pub(crate) fn change(volume: &Volume, payload: &Payload, wait: impl FnOnce()) -> Duration {
    let swapped = volume.write(payload).unwrap().renamed.unwrap().after;
    wait();
    Duration::from_nanos(clock::now() - swapped)
}

/// Whether the tests may make namespaces and become other users.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
