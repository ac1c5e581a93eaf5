//! A sidecar that another program starts, or that has another name.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sidecar_testkit::wait;
use tempfile::TempDir;

use crate::support::{self, DEADLINE};

/// The first process that was started; it is killed, with those that end with it, when this value is
/// dropped. If the test fails, the log is shown.
#[derive(Debug)]
pub(crate) struct Launched {
    child: Child,
    /// Holds the log.
    dir: TempDir,
}

/// The binary that is tested.
pub(crate) fn binary() -> PathBuf {
    env!("CARGO_BIN_EXE_config-reloader-sidecar").into()
}

/// A command that runs `script` in a shell, with the binary as `$1` and these as `$2` and so on.
pub(crate) fn shell(script: &str, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(binary()).args(arguments);
    command
}

/// A command that runs another one as PID 1 of a PID namespace, with the `/proc` of it.
///
/// # Panics
/// Without the right to make a namespace: the test must not pass without having tested.
pub(crate) fn as_pid_1(command: &Command) -> Command {
    assert!(support::is_root(), "this test makes a PID namespace: run the tests as root");
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    unshare.arg(command.get_program()).args(command.get_args());
    unshare
}

impl Launched {
    /// Starts the command with these settings and `CONFIG_DIR`, and waits until the sidecar is ready.
    #[track_caller]
    pub(crate) fn start(mut command: Command, config_dir: &Path, settings: &[(&str, &str)]) -> Self {
        let dir = support::open_dir();
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("CONFIG_DIR", config_dir).envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(log_in(dir.path())).unwrap());
        // A copy can be busy for a moment, while another thread of the test forks.
        let start = || match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => None,
            result => Some(result),
        };
        let child = wait::until(DEADLINE, "the launcher to start", start).unwrap();
        let mut launched = Self { child, dir };
        wait::until(DEADLINE, "the sidecar to be ready", || {
            let ended = launched.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {ended:?}");
            launched.log().contains(" ready ").then_some(())
        });
        launched
    }

    /// The PID of the first process.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// The PID of its only child.
    pub(crate) fn child_pid(&self) -> i32 {
        let pid = self.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.trim().parse().unwrap()
    }

    /// All that was logged by now.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(log_in(self.dir.path())).unwrap()).into_owned()
    }

    /// The lines of the log that have this text in them.
    pub(crate) fn log_lines(&self, text: &str) -> Vec<String> {
        self.log().lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// Waits for a log line with this text, and gives the first of them.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        wait::until(DEADLINE, &format!("a log line with {text:?}"), || {
            self.log_lines(text).into_iter().next()
        })
    }

    /// Whether the first process still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends a signal to one of the processes, and waits for the end of the first.
    #[track_caller]
    pub(crate) fn end_by(&mut self, signal: Signal, pid: i32, deadline: Duration) -> ExitStatus {
        assert!(self.is_running(), "the PID may be another process's by now");
        kill(Pid::from_raw(pid), signal).unwrap();
        wait::until(deadline, "the end", || self.child.try_wait().transpose()).unwrap()
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of the sidecar\n{}---", self.log());
        }
        // A test has no use for the error of cleaning up.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn log_in(dir: &Path) -> PathBuf {
    dir.join("log")
}
