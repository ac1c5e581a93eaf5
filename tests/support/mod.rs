//! What the tests of the built binary share: the running sidecar, and a scene of it with its target.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test ends by panicking")]

mod builder;
mod idle;
pub(crate) mod namespace;
mod scene;
mod sidecar;

use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

pub(crate) use builder::{Builder, Ended};
pub(crate) use idle::WakeUps;
pub(crate) use scene::{Files, Scene, digest_in, digest_of, digest_with, files};
pub(crate) use sidecar::Sidecar;

/// How long anything may take that must happen: generous, for a machine under load.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// How long a test watches that nothing happens: three times the daemon's quiet period.
pub(crate) const WATCHED: Duration = Duration::from_millis(300);

/// A process name that no other process of the machine has, short enough for the kernel to keep.
pub(crate) fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A temporary directory that every user may enter, so that sidecars and targets of other users can.
pub(crate) fn open_dir() -> TempDir {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Makes a directory with these files.
pub(crate) fn plain_dir(dir: &Path, files: &[(&str, &str)]) -> PathBuf {
    std::fs::create_dir_all(dir).unwrap();
    for (name, content) in files {
        std::fs::write(dir.join(name), content).unwrap();
    }
    dir.to_owned()
}

/// Whether the tests may become other users.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
