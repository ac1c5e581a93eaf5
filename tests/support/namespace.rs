//! User and mount namespaces that a sidecar is put in.

use std::process::Command;

/// Runs a shell script where the sidecar with this PID is.
#[track_caller]
pub(crate) fn inside(pid: i32, script: &str) {
    let pid = pid.to_string();
    let mut command = Command::new("nsenter");
    command.args(["--user", "--mount", "--preserve-credentials", "--target", &pid, "sh", "-ec", script]);
    assert!(command.status().unwrap().success(), "{script}");
}

/// Whether there are namespaces to be had; containers often have none.
pub(crate) fn available() -> bool {
    let try_one = ["--user", "--map-root-user", "--mount", "true"];
    let available = Command::new("unshare").args(try_one).status().is_ok_and(|status| status.success());
    if !available {
        eprintln!("left out, for there are no user and mount namespaces to be had");
    }
    available
}
