//! The namespaces that a sidecar was put in.

use std::path::Path;

use crate::Watched;
use crate::support::namespace;

pub(crate) use crate::support::namespace::available;

impl Watched {
    /// Runs a shell script where the sidecar is.
    #[track_caller]
    pub(crate) fn inside(&self, script: &str) {
        namespace::inside(self.sidecar_pid(), script);
    }
}

/// A path for the shell.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
