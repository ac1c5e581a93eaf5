//! The program that the manifests run: which settings it knows, and whether it takes these.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use escargot::CargoBuild;

/// The program as it is in this workspace.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let manifest = e2e::binaries::manifest_of("");
    let build = CargoBuild::new().manifest_path(manifest).bin("config-reloader-sidecar").current_release();
    build.arg("--locked").arg("--quiet").run().unwrap().path().to_owned()
});

/// What `--help` lists.
static SETTINGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let output = Command::new(&*PROGRAM).arg("--help").env_clear().output().unwrap();
    let help = crate::tools::stdout(&output);
    let listed = help.split("[env: ").skip(1).filter_map(|rest| rest.split([']', '=']).next());
    listed.map(str::to_owned).collect()
});

/// Whether it has a setting of this name.
pub(crate) fn knows(setting: &str) -> bool {
    SETTINGS.iter().any(|known| known == setting)
}

/// One line for each setting that it does not know, or the one with which it refuses a value.
pub(crate) fn complaints(settings: &BTreeMap<String, String>) -> Vec<String> {
    let unknown = settings.keys().filter(|name| !knows(name));
    let unknown: Vec<String> = unknown.map(|name| format!("{name} is no setting")).collect();
    if unknown.is_empty() { refusal(settings).into_iter().collect() } else { unknown }
}

/// With these settings it gets as far as finding that there is nothing to watch: status 1. A setting that
/// does not parse is status 2.
fn refusal(settings: &BTreeMap<String, String>) -> Option<String> {
    let mut program = Command::new(&*PROGRAM);
    let output = program.env_clear().envs(settings).env("CONFIG_DIR", "/nonexistent").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    (output.status.code() != Some(1)).then(|| format!("{}: {said}", output.status))
}
