//! Binaries: the static executables that the images hold.

use std::env;
use std::env::consts::ARCH;
use std::path::{Path, PathBuf};
use std::process::Command;

use escargot::CargoBuild;

use crate::Result;

/// Chooses the C library: `musl` or `glibc`.
pub const LIBC_VARIABLE: &str = "E2E_LIBC";

/// The C library that is linked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libc {
    /// By the target `…-linux-musl`, which must be installed.
    Musl,
    /// By the target `…-linux-gnu` with `+crt-static`.
    Glibc,
}

impl Libc {
    /// What [`LIBC_VARIABLE`] says, else musl if its target is installed, else glibc.
    pub fn choose() -> Result<Self> {
        match env::var(LIBC_VARIABLE).unwrap_or_default().as_str() {
            "" | "musl" if Self::Musl.is_installed()? => Ok(Self::Musl),
            "" | "glibc" => Ok(Self::Glibc),
            "musl" => {
                Err(format!("{LIBC_VARIABLE}=musl needs the Rust target {}", Self::Musl.target()).into())
            }
            other => Err(format!("{LIBC_VARIABLE}={other:?} is not accepted: musl or glibc").into()),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Musl => "musl",
            Self::Glibc => "glibc",
        }
    }

    fn target(self) -> String {
        let libc = match self {
            Self::Musl => "musl",
            Self::Glibc => "gnu",
        };
        format!("{ARCH}-unknown-linux-{libc}")
    }

    /// Whether the standard library of the target is there.
    fn is_installed(self) -> Result<bool> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output =
            Command::new(rustc).args(["--print", "target-libdir", "--target", &self.target()]).output()?;
        let dir = PathBuf::from(String::from_utf8(output.stdout)?.trim());
        let is_std = |name: &str| name.starts_with("libstd-");
        let found = dir.read_dir().into_iter().flatten().flatten();
        Ok(found.into_iter().any(|entry| is_std(&entry.file_name().to_string_lossy())))
    }

    /// Builds the binary `name` of the package at `manifest`, as it is released.
    pub fn build(self, manifest: &Path, name: &str) -> Result<PathBuf> {
        let build = CargoBuild::new()
            .manifest_path(manifest)
            .bin(name)
            .release()
            .target(self.target())
            // A directory of its own, as the flags are others than those of the outer build.
            .target_dir(outer_target_dir()?.join("e2e"))
            // Those of `.cargo/config.toml` count, as they do for a release.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .arg("--locked")
            .arg("--quiet");
        let build = match self {
            Self::Musl => build,
            Self::Glibc => build.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static"),
        };
        Ok(build.run()?.path().to_owned())
    }
}

/// The target directory that this process was built in, wherever the build was told to put it.
fn outer_target_dir() -> Result<PathBuf> {
    let executable = env::current_exe()?;
    // Only the top of a target directory has this file; a target triple may come in between.
    let is_top = |dir: &&Path| dir.join(".rustc_info.json").exists();
    let top = executable.ancestors().find(is_top);
    top.map(Path::to_owned)
        .ok_or_else(|| format!("{} is in no target directory", executable.display()).into())
}

/// The manifest of the package in this directory of the workspace; empty for the root.
pub fn manifest_of(dir: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(dir).join("Cargo.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_that_runs_this_test_is_installed() {
        assert!(Libc::Glibc.is_installed().unwrap() || Libc::Musl.is_installed().unwrap());
    }

    #[test]
    fn the_manifests_are_there() {
        for dir in ["", "e2e/testkit"] {
            assert!(manifest_of(dir).exists(), "{dir}");
        }
    }
}
