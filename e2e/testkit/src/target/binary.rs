//! Where the program `sighup-counter` is.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Holds the path of a ready-made binary.
pub const BINARY_VARIABLE: &str = "SIGHUP_COUNTER";

/// The path of `sighup-counter`: what the variable `SIGHUP_COUNTER` says, else it is built, once a
/// process, with what the outer build has downloaded already.
///
/// # Panics
/// If it cannot be built.
pub fn counter_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os(BINARY_VARIABLE) {
        Some(path) if !path.is_empty() => path.into(),
        _ => build().unwrap_or_else(|error| panic!("cannot build sighup-counter: {error}")),
    })
}

fn build() -> escargot::error::CargoResult<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut build =
        escargot::CargoBuild::new().manifest_path(manifest).bin("sighup-counter").arg("--offline");
    if let Some(dir) = target_dir() {
        build = build.target_dir(dir);
    }
    Ok(build.run()?.path().to_owned())
}

/// The target directory that this process was built in. The variable `CARGO_TARGET_DIR` would not
/// do: it may be relative to a directory that is not this process's.
fn target_dir() -> Option<PathBuf> {
    let executable = env::current_exe().ok()?;
    // Only the top of a target directory has this file; a target triple may come in between.
    let is_top = |dir: &&Path| dir.join(".rustc_info.json").exists();
    executable.ancestors().find(is_top).map(Path::to_owned)
}
