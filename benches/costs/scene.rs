//! A volume, a target and a sidecar, with everything on.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sidecar_testkit::target::Target;
use sidecar_testkit::wait;
use tempfile::TempDir;

/// How long anything may take that must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Scene {
    sidecar: Child,
    pub(crate) target: Target,
    dir: TempDir,
}

impl Scene {
    /// Starts a target, and a sidecar that watches `make`'s path for it.
    pub(crate) fn start(program: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let watched = dir.path().join("config");
        make(&watched)?;
        let name = format!("target-{}", std::process::id());
        let target = Target::builder().binary(env::current_exe()?).named(&name).spawn()?;
        let sidecar = Command::new(program)
            .env_clear()
            .env("CONFIG_DIR", &watched)
            .env("PROCESS_NAME", &name)
            .env("INITIAL_RELOAD", "never")
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .stderr(File::create(dir.path().join("log"))?)
            .stdout(Stdio::null())
            .spawn()?;
        let scene = Self { sidecar, target, dir };
        scene.wait_for("the sidecar to be ready", || scene.log().contains(" ready ").then_some(()))?;
        Ok(scene)
    }

    /// The path that is watched.
    pub(crate) fn watched(&self) -> std::path::PathBuf {
        self.dir.path().join("config")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.sidecar.id()
    }

    /// Waits until there is a value.
    pub(crate) fn wait_for<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> io::Result<T> {
        wait::try_until(DEADLINE, look)
            .ok_or_else(|| io::Error::other(format!("waited in vain for {what}\n{}", self.log())))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Nothing is left to measure, and nobody to tell.
        let _ = self.sidecar.kill().and_then(|()| self.sidecar.wait());
    }
}
