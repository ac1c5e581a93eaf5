//! The namespaces that a sidecar was put in.

use std::path::Path;
use std::process::Command;

use crate::{Watched, tell};

impl Watched {
    /// Runs a shell script where the sidecar is.
    #[track_caller]
    pub(crate) fn inside(&self, script: &str) {
        let pid = self.sidecar_pid().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target", &pid, "sh", "-ec", script]);
        assert!(command.status().unwrap().success(), "{script}");
    }
}

/// Whether there are namespaces to be had; containers often have none.
pub(crate) fn available() -> bool {
    let try_one = ["--user", "--map-root-user", "--mount", "true"];
    let available = Command::new("unshare").args(try_one).status().is_ok_and(|status| status.success());
    if !available {
        tell("left out, for there are no user and mount namespaces to be had");
    }
    available
}

/// A path for the shell.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
