//! What a sidecar is started with.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use sidecar_testkit::wait;

use super::{DEADLINE, Sidecar, open_dir};

/// Says what a sidecar is started with. Its environment has nothing but what is set here.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    config_dir: OsString,
    settings: Vec<(OsString, OsString)>,
    args: Vec<OsString>,
    user: Option<(u32, u32)>,
    script: Option<String>,
}

/// How a sidecar ended that was not meant to run.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it wrote to the standard error.
    pub(crate) log: String,
    /// What it wrote to the standard output.
    pub(crate) output: String,
}

impl Builder {
    /// A path to watch; repeatable.
    pub(crate) fn config_dir(mut self, path: impl AsRef<Path>) -> Self {
        if !self.config_dir.is_empty() {
            self.config_dir.push(",");
        }
        self.config_dir.push(path.as_ref());
        self
    }

    /// The name of the process to signal.
    pub(crate) fn process_name(self, name: &str) -> Self {
        self.env("PROCESS_NAME", name)
    }

    /// A setting, or anything else in the environment.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.settings.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// An argument of the command line.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.args.push(argument.as_ref().to_owned());
        self
    }

    /// The user to run as; needs root.
    pub(crate) fn user(mut self, uid: u32, gid: u32) -> Self {
        self.user = Some((uid, gid));
        self
    }

    /// Puts it in a user and a mount namespace of its own, where this shell script runs first.
    pub(crate) fn within(mut self, script: &str) -> Self {
        self.script = Some(script.to_owned());
        self
    }

    /// Starts it, and waits until it is ready.
    #[track_caller]
    pub(crate) fn spawn(self) -> Sidecar {
        let mut sidecar = self.spawn_unready();
        sidecar.wait_ready();
        sidecar
    }

    /// Starts it without waiting for anything.
    #[track_caller]
    pub(crate) fn spawn_unready(self) -> Sidecar {
        let dir = open_dir();
        let child = self.start(dir.path()).unwrap();
        Sidecar::new(child, dir)
    }

    /// Starts it and waits for its end, which must come by itself.
    #[track_caller]
    pub(crate) fn run(self) -> Ended {
        let mut sidecar = self.spawn_unready();
        let status = sidecar.wait_for_end(DEADLINE);
        Ended { status, log: sidecar.log(), output: sidecar.output() }
    }

    fn start(self, dir: &Path) -> io::Result<Child> {
        let program = match self.user {
            Some(_) => copy_for_all(dir)?,
            None => built(),
        };
        let mut command = match self.script {
            Some(script) => in_namespaces(&script, &program),
            None => Command::new(program),
        };
        command.env_clear().current_dir("/").stdin(Stdio::null()).args(self.args);
        if !self.config_dir.is_empty() {
            command.env("CONFIG_DIR", self.config_dir);
        }
        // A test's volume and target come to be in one and the same moment; whether the first reload is due is
        // for the tests of just that.
        command.env("INITIAL_RELOAD", "never");
        command.envs(self.settings);
        command.stdout(File::create(Sidecar::output_in(dir))?);
        command.stderr(File::create(Sidecar::log_in(dir))?);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        // A copy can be busy for a moment, while another thread of the test forks.
        let start = || match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => None,
            result => Some(result),
        };
        wait::try_until(DEADLINE, start).unwrap_or_else(|| Err(io::ErrorKind::ExecutableFileBusy.into()))
    }
}

/// The binary that is tested.
pub(crate) fn built() -> PathBuf {
    env!("CARGO_BIN_EXE_config-reloader-sidecar").into()
}

/// The program replaces the shell, so that its PID is that of the command.
fn in_namespaces(script: &str, program: &Path) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("{script}\nexec \"$0\" \"$@\"");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", &script]).arg(program);
    command
}

/// A copy where every user gets at it.
fn copy_for_all(dir: &Path) -> io::Result<PathBuf> {
    let copy = dir.join("config-reloader-sidecar");
    fs::copy(built(), &copy)?;
    Ok(copy)
}
