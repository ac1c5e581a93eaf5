//! Processes to be signalled: the counter, under any name and in any state.

mod binary;
mod builder;
#[cfg(test)]
mod tests;

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::counter::{self, Mode, OPTIONS_VARIABLE, Options, Record, Role, Signal, parse_records};
use crate::wait;

pub use binary::{BINARY_VARIABLE, counter_binary};
pub use builder::Builder;

/// How long a target may take to be ready; a machine under load is slow.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// A program that was just copied can be busy while another thread forks.
const BUSY_DEADLINE: Duration = Duration::from_secs(5);
/// How long a killed process may take to end.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// A running counter. It is killed and reaped with its workers when this value is dropped, and
/// ends by itself when the test process does.
#[derive(Debug)]
pub struct Target {
    child: Child,
    pid: i32,
    out: PathBuf,
    /// Holds the executable and the output.
    _dir: TempDir,
}

impl Target {
    /// Starts to say what the target is like.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn spawn(builder: &Builder) -> io::Result<Target> {
        let dir = tempfile::tempdir()?;
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        let out = dir.path().join("records.jsonl");
        // Made here and open to all, as the counter may be another user.
        File::create(&out)?;
        fs::set_permissions(&out, Permissions::from_mode(0o666))?;
        let mut options = builder.options.clone();
        options.out = Some(out.clone());
        options.until_stdin_closes = true;
        let mut command = prepare(builder, dir.path(), &mut options)?;
        command.env(OPTIONS_VARIABLE, serde_json::to_string(&options)?).stdin(Stdio::piped());
        // Workers come to this process when their parent dies, so that it can reap them.
        prctl::set_child_subreaper(true)?;
        let child = start(&mut command)?;
        let mut target = Target { child, pid: 0, out, _dir: dir };
        target.wait_for_start(&options)?;
        Ok(target)
    }

    fn wait_for_start(&mut self, options: &Options) -> io::Result<()> {
        let is_there = wait::try_until(START_DEADLINE, || {
            // The last records are there when the end is known.
            let ended = self.child.try_wait();
            match ended {
                _ if self.is_there(options) => Some(Ok(())),
                Ok(None) => None,
                Ok(Some(status)) => Some(Err(io::Error::other(format!("it ended: {status}")))),
                Err(error) => Some(Err(error)),
            }
        });
        is_there.unwrap_or_else(|| Err(ErrorKind::TimedOut.into()))?;
        self.pid = self.pids(Role::is_main).first().copied().unwrap_or_default();
        Ok(())
    }

    /// Is it as far as [`Builder::spawn`] waits for?
    fn is_there(&self, options: &Options) -> bool {
        let is_late = options.handler_delay_ms > 0;
        let workers = if is_late { 0 } else { options.workers };
        let progress = match options.mode {
            Mode::Default => Record::started,
            _ if is_late => Record::started,
            _ => Record::ready,
        };
        let records = self.records();
        let roles = records.iter().filter_map(progress).map(|process| process.role);
        let roles: Vec<Role> = roles.collect();
        let all = (1..=workers).map(Role::Worker).chain([Role::Main]);
        all.into_iter().all(|role| roles.contains(&role))
    }

    /// The process that counts; with workers, their master.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The process in front of it; [`Target::pid`] itself without [`Builder::shell_parent`].
    pub fn first_pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// The workers that have started, in no order.
    pub fn workers(&self) -> Vec<i32> {
        self.pids(Role::is_worker)
    }

    /// The file with the records.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// All records by now, those of workers too.
    pub fn records(&self) -> Vec<Record> {
        // The file exists as long as this value does.
        let output = fs::read(&self.out).unwrap_or_default();
        parse_records(&String::from_utf8_lossy(&output))
    }

    /// All signals by now, those of workers too.
    pub fn signals(&self) -> Vec<Signal> {
        let signal = |record| match record {
            Record::Signal(signal) => Some(signal),
            _ => None,
        };
        self.records().into_iter().filter_map(signal).collect()
    }

    /// Waits for at least `count` signals; gives all there are then.
    ///
    /// # Panics
    /// If there are fewer after `deadline`.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "waiting is use enough")]
    pub fn wait_for_signals(&self, count: usize, deadline: Duration) -> Vec<Signal> {
        wait::until(deadline, &format!("{count} signals at PID {}", self.pid), || {
            Some(self.signals()).filter(|signals| signals.len() >= count)
        })
    }

    /// Waits until the target, not a worker, handles signals.
    ///
    /// # Panics
    /// If it does not after `deadline`.
    #[track_caller]
    pub fn wait_ready(&self, deadline: Duration) {
        wait::until(deadline, &format!("PID {} to be ready", self.pid), || {
            let is_own = |record: &Record| record.ready().is_some_and(|by| by.pid == self.pid);
            self.records().iter().any(is_own).then_some(())
        });
    }

    /// Sends it a signal.
    pub fn send(&self, signal: i32) -> io::Result<()> {
        counter::send(self.pid, signal)
    }

    /// How the first process ended, if it did; this reaps it, so that before it is a zombie.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for the end of the first process.
    ///
    /// # Panics
    /// If it has not ended after `deadline`.
    #[track_caller]
    pub fn wait_for_end(&mut self, deadline: Duration) -> io::Result<ExitStatus> {
        let what = format!("the end of PID {}", self.pid);
        wait::until(deadline, &what, || self.child.try_wait().transpose())
    }

    /// Kills and reaps it and its workers.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        // The others die of their parent's death, and come to this process in this order.
        let parent_first = [self.pids(Role::is_main), self.pids(Role::is_worker)].concat();
        for pid in parent_first.into_iter().map(Pid::from_raw) {
            wait::try_until(END_DEADLINE, || match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => None,
                // Gone, or reaped already.
                _ => Some(()),
            });
        }
        Ok(())
    }

    fn pids(&self, wanted: impl Fn(Role) -> bool) -> Vec<i32> {
        let records = self.records();
        let started = records.iter().filter_map(Record::started);
        started.filter(|process| wanted(process.role)).map(|process| process.pid).collect()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // A test has no use for the error of cleaning up.
        let _ = self.kill();
    }
}

/// Puts the executables in place; the command runs the first process.
fn prepare(builder: &Builder, dir: &Path, options: &mut Options) -> io::Result<Command> {
    let binary = builder.binary.as_deref().unwrap_or_else(|| counter_binary());
    let program = provide(binary, &dir.join(&builder.name))?;
    if options.shell_parent {
        options.program = Some(program);
        return Ok(Command::new(provide(binary, &dir.join("parent"))?));
    }
    let mut command = Command::new(program);
    command.args(&options.args);
    Ok(command)
}

/// Gives `binary` the name `path`; a copy where a link cannot be.
fn provide(binary: &Path, path: &Path) -> io::Result<PathBuf> {
    if fs::hard_link(binary, path).is_err() {
        fs::copy(binary, path)?;
    }
    Ok(path.to_owned())
}

fn start(command: &mut Command) -> io::Result<Child> {
    let started = wait::try_until(BUSY_DEADLINE, || match command.spawn() {
        Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => None,
        result => Some(result),
    });
    started.unwrap_or_else(|| Err(ErrorKind::ExecutableFileBusy.into()))
}
