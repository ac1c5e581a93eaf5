//! A scene: volumes, an application that reads them, and a sidecar that watches them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use e2e::run::Run;
use sidecar_testkit::kubelet::{Payload, Volume};
use tempfile::TempDir;

use super::{App, Container, Spec, config};

/// The name of the application, where a case gives it no other.
pub(crate) const APP_NAME: &str = "sighup-counter";
/// In the line of the log after which no change is missed.
pub(crate) const READY: &str = " ready digest=";

/// What the containers of a case have in common.
pub(crate) struct Scene {
    pub(crate) run: &'static Run,
    dir: TempDir,
    /// Names below `dir`, each mounted at the same name below the root.
    mounts: Vec<String>,
}

impl Scene {
    pub(crate) fn new(run: &'static Run) -> Self {
        Self { run, dir: tempfile::tempdir_in(run.dir()).unwrap(), mounts: Vec::new() }
    }

    /// The usual one: a volume whose file holds `1`, the application as PID 1 and owner of the namespace, and
    /// the sidecar in it.
    pub(crate) fn usual(run: &'static Run) -> (Volume, App, Container, Self) {
        let mut scene = Self::new(run);
        let volume = scene.volume("config", &config("1"));
        let app = scene.app(|app| app);
        let sidecar = scene.sidecar(|sidecar| sidecar.in_namespace_of(&app));
        (volume, app, sidecar, scene)
    }

    /// Adds a volume as the kubelet makes it, for all containers that start later.
    pub(crate) fn volume(&mut self, name: &str, payload: &Payload) -> Volume {
        self.mounts.push(name.to_owned());
        Volume::create(&self.dir.path().join(name), payload).unwrap()
    }

    /// Adds a single file, for all containers that start later.
    pub(crate) fn file(&mut self, name: &str, content: &str) -> PathBuf {
        self.mounts.push(name.to_owned());
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Starts the application, and waits until it handles signals.
    #[track_caller]
    pub(crate) fn app(&self, set: impl FnOnce(Spec) -> Spec) -> App {
        let app = self.unready_app(set);
        app.wait_ready(1);
        app
    }

    /// Starts the application.
    #[track_caller]
    pub(crate) fn unready_app(&self, set: impl FnOnce(Spec) -> Spec) -> App {
        let out = self.dir.path().join("out");
        fs::create_dir_all(&out).unwrap();
        let records = out.join("records.jsonl");
        // Made here and open to all, as the application may be another user.
        File::create(&records).unwrap();
        fs::set_permissions(&records, Permissions::from_mode(0o666)).unwrap();
        let spec = self.mounted(Spec::new(self.run, "the application", &self.run.app));
        let spec = spec.mount(&out, "/out", true).args(["--out", "/out/records.jsonl"]);
        let paths: Vec<String> = self.mounts.iter().map(|name| format!("/{name}")).collect();
        let spec = paths.iter().fold(spec, |spec, path| spec.args(["--read", path]));
        App::new(set(spec).start(), records)
    }

    /// Starts a container that does nothing, to own the namespace as a pod's does: so the others can restart.
    #[track_caller]
    pub(crate) fn pause(&self) -> Container {
        let spec = Spec::new(self.run, "the owner of the namespace", &self.run.app);
        spec.program("/pause").args(["--no-handler"]).start()
    }

    /// Starts the sidecar, and waits until it watches.
    #[track_caller]
    pub(crate) fn sidecar(&self, set: impl FnOnce(Spec) -> Spec) -> Container {
        let sidecar = set(self.sidecar_spec()).start();
        sidecar.wait_for_log(READY, 1);
        sidecar
    }

    /// Runs `check` with the same settings in a container of its own; gives its exit status and what it wrote.
    #[track_caller]
    pub(crate) fn check(&self, set: impl FnOnce(Spec) -> Spec) -> (i64, String) {
        let check = set(self.sidecar_spec().args(["check"])).start();
        let status = check.wait_for_end();
        assert_eq!(check.log(), "", "nothing is logged");
        (status, check.output())
    }

    fn sidecar_spec(&self) -> Spec {
        let paths: Vec<String> = self.mounts.iter().map(|name| format!("/{name}")).collect();
        let spec = self.mounted(Spec::new(self.run, "the sidecar", &self.run.sidecar));
        spec.env("CONFIG_DIR", &paths.join(",")).env("PROCESS_NAME", APP_NAME)
    }

    fn mounted(&self, spec: Spec) -> Spec {
        let mount =
            |spec: Spec, name: &String| spec.mount(&self.dir.path().join(name), &format!("/{name}"), false);
        self.mounts.iter().fold(spec, mount)
    }
}
