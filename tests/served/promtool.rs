//! Prometheus' own judgement.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether `promtool` (of Debian's package `prometheus`) is there. Where `CI_TOOLS=all` says that all tools
/// are, it must be.
#[track_caller]
pub(crate) fn is_there() -> bool {
    let is_there = Command::new("promtool").arg("--version").output().is_ok();
    if !is_there {
        let all = std::env::var_os("CI_TOOLS").is_some_and(|tools| tools == "all");
        assert!(!all, "CI_TOOLS=all, and there is no promtool");
        eprintln!("left out, for there is no promtool; Debian's package `prometheus` has it");
    }
    is_there
}

/// Whether this is a good scrape: nothing to object to, and nothing to remark.
#[track_caller]
pub(crate) fn check_metrics(scrape: &str) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(scrape.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let remarks = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && remarks.is_empty(), "{}\n{scrape}", String::from_utf8_lossy(&remarks));
}

/// Runs it in a directory with these files; must succeed.
#[track_caller]
pub(crate) fn run(args: &[&str], files: &[(&str, &str)]) {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    let output = in_dir(args, dir.path());
    assert!(output.0, "promtool {args:?}: {}\n{files:#?}", output.1);
}

fn in_dir(args: &[&str], dir: &Path) -> (bool, String) {
    let output = Command::new("promtool").args(args).current_dir(dir).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&told).into_owned())
}
