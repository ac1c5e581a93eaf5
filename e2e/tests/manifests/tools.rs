//! The tools: kubectl, and kubernetes-validate in an environment of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where `.ci/manifests` installs them.
const BIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/manifests-venv/bin");

/// What is missing, as the end of a sentence.
pub(crate) fn missing() -> Option<String> {
    let absent = |name: &&str| !Path::new(BIN).join(name).exists();
    let mut names: Vec<&str> = ["kubernetes-validate", "python"].into_iter().filter(absent).collect();
    let answers =
        kubectl().args(["version", "--client"]).output().is_ok_and(|output| output.status.success());
    if !answers {
        names.push("kubectl");
    }
    let list = names.join(", ");
    (!names.is_empty()).then(|| format!("missing: {list}; .ci/manifests installs it"))
}

/// The one of the machine, else the one that was installed for these tests.
pub(crate) fn kubectl() -> Command {
    let installed = PathBuf::from(BIN).join("kubectl");
    Command::new(if installed.exists() { installed } else { "kubectl".into() })
}

pub(crate) fn kubernetes_validate() -> Command {
    Command::new(PathBuf::from(BIN).join("kubernetes-validate"))
}

/// The documents of a YAML stream, as kubernetes-validate's own parser reads them.
pub(crate) fn parse_yaml(stream: &str) -> Vec<serde_json::Value> {
    const PROGRAM: &str =
        "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)";
    let mut python = Command::new(PathBuf::from(BIN).join("python"));
    let python = python.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut python = python.unwrap();
    python.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    serde_json::from_str(&stdout(&python.wait_with_output().unwrap())).unwrap()
}

/// What it printed; it must have succeeded.
#[track_caller]
pub(crate) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}
