//! PID namespaces that are not shared.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sidecar_testkit::target::counter_binary;

use crate::support::is_root;
use crate::{Found, Pod};

/// What a check finds in a PID namespace of its own, where this script has run; `check` is the command.
#[track_caller]
fn found_within(pod: &Pod, name: &str, script: &str) -> Found {
    assert!(is_root(), "this test makes a PID namespace: run the tests as root");
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", script]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(pod.dir.path());
    command.env("CONFIG_DIR", pod.dir.path()).env("PROCESS_NAME", name).env("INITIAL_RELOAD", "never");
    command.env("sidecar", BINARY).env("counter", counter_binary());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| {
        panic!("{e}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    Found { status: output.status.code().unwrap(), json }
}

/// Waits in the shell for a text in a file.
fn wait_for(text: &str, file: &str) -> String {
    format!("until grep -q '{text}' {file} 2>/dev/null; do sleep 0.01; done\n")
}

const BINARY: &str = env!("CARGO_BIN_EXE_config-reloader-sidecar");
const MEND: &str = "shareProcessNamespace: true";

#[test]
fn as_the_only_process_it_is_told_how_to_share() {
    let pod = Pod::new();
    // That the application does run elsewhere makes no difference.
    let found = found_within(&pod, &pod.name, "exec \"$sidecar\" check --output=json");
    found.wrong("no-shared-pid-namespace").what("no process but the sidecar itself is visible").mend(MEND);
    let namespace = found.facts("pid_namespace");
    assert_eq!((&namespace["own_pid"], &namespace["others"]), (&1.into(), &0.into()));
}

#[test]
fn the_running_sidecar_beside_it_and_the_shell_that_started_it_are_no_sign_of_sharing() {
    let pod = Pod::new();
    let start = "\"$sidecar\" 2>../log-$$-of-check >/dev/null &\n";
    let script = format!(
        "{}{}rm {LOG}\n\"$sidecar\" check --output=json",
        start.replace("../log-$$-of-check", LOG),
        wait_for(" ready ", LOG)
    );
    let found = found_within(&pod, &pod.name, &script);
    found.wrong("no-shared-pid-namespace").what("no process but the sidecar itself is visible").mend(MEND);
    assert_eq!(found.facts("pid_namespace")["started_by"][0], "sh");

    // Mended: the application is in the namespace.
    let name = &pod.name;
    let copy = format!("cp \"$counter\" ./{name}\n./{name} --out out >/dev/null &\n");
    let script = format!("{copy}{}\"$sidecar\" check --output=json", wait_for("eady", "out"));
    let mended = found_within(&pod, name, &script);
    mended.ok();
    assert_eq!(mended.facts("pid_namespace")["others"], 1);
    assert!(Path::new(&pod.dir.path().join("out")).exists());
}

/// In the watched directory, and gone before the check looks.
const LOG: &str = "log";
