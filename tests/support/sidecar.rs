//! A running sidecar.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sidecar_testkit::wait;
use tempfile::TempDir;

use super::{Builder, DEADLINE};

/// A running sidecar. It is ended when this value is dropped; if the test fails, its log is shown.
#[derive(Debug)]
pub(crate) struct Sidecar {
    child: Child,
    ended: Option<ExitStatus>,
    /// Holds the log.
    dir: TempDir,
}

impl Sidecar {
    /// Starts to say what it is started with.
    pub(crate) fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn new(child: Child, dir: TempDir) -> Self {
        Self { child, ended: None, dir }
    }

    pub(super) fn log_in(dir: &Path) -> PathBuf {
        dir.join("stderr")
    }

    pub(super) fn output_in(dir: &Path) -> PathBuf {
        dir.join("stdout")
    }

    /// Waits for the last line of its start.
    #[track_caller]
    pub(crate) fn wait_ready(&mut self) {
        wait::until(DEADLINE, "the sidecar to be ready", || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the sidecar ended: {ended:?}\n{}", self.log());
            let log = self.log();
            [" ready ", "\"event\":\"ready\""].iter().any(|line| log.contains(line)).then_some(())
        });
    }

    /// Its PID.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// All it has logged by now.
    pub(crate) fn log(&self) -> String {
        read(&Self::log_in(self.dir.path()))
    }

    /// What it has written to the standard output by now.
    pub(crate) fn output(&self) -> String {
        read(&Self::output_in(self.dir.path()))
    }

    /// The lines of the log that have this text in them.
    pub(crate) fn log_lines(&self, text: &str) -> Vec<String> {
        self.log().lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// Waits for a log line with this text, and gives the first of them.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str, deadline: Duration) -> String {
        self.wait_for_log_lines(text, 1, deadline).remove(0)
    }

    /// Waits for at least so many log lines with this text, and gives all of them.
    #[track_caller]
    pub(crate) fn wait_for_log_lines(&self, text: &str, count: usize, deadline: Duration) -> Vec<String> {
        wait::until(deadline, &format!("{count} log lines with {text:?}"), || {
            Some(self.log_lines(text)).filter(|lines| lines.len() >= count)
        })
    }

    /// How many signals it says to have sent.
    pub(crate) fn sent(&self) -> usize {
        self.log_lines(" sent signal=").len()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.try_end().is_none()
    }

    /// Sends it a signal.
    pub(crate) fn send(&self, signal: Signal) {
        assert!(self.ended.is_none(), "the PID may be another process's by now");
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Ends it as Kubernetes does.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.send(Signal::SIGTERM);
        self.wait_for_end(DEADLINE)
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self, deadline: Duration) -> ExitStatus {
        wait::until(deadline, "the sidecar to end", || self.try_end())
    }

    fn try_end(&mut self) -> Option<ExitStatus> {
        self.ended = self.ended.or_else(|| self.child.try_wait().unwrap());
        self.ended
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of the sidecar\n{}---", self.log());
        }
        if self.try_end().is_none() {
            self.send(Signal::SIGTERM);
            if wait::try_until(DEADLINE, || self.try_end()).is_none() {
                // A test has no use for the error of cleaning up.
                let _ = self.child.kill().and_then(|()| self.child.wait());
            }
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}
