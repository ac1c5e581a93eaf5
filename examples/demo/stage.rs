//! The configuration, the application and the sidecar; all of it goes when the stage is dropped.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, getppid};
use sidecar_testkit::clock::Nanos;
use sidecar_testkit::kubelet::{Payload, Volume};
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;
use tempfile::TempDir;

use crate::INTERRUPTED;
use crate::timeline::{Row, Timeline};

/// Holds the PID of the demo that starts its own executable as the sidecar.
const SIDECAR_VARIABLE: &str = "DEMO_SIDECAR_OF";
/// How long anything may take that must happen.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long each step is watched for signals too many: three quiet periods of the sidecar.
const WATCHED: Duration = Duration::from_millis(300);
/// What the sidecar sends if it is not told otherwise.
const SIGHUP: i32 = Signal::SIGHUP as i32;

/// Whether this process is to be the sidecar.
pub(crate) fn sidecar_is_requested() -> bool {
    env::var_os(SIDECAR_VARIABLE).is_some()
}

/// The sidecar: the same code as the program's.
pub(crate) fn be_sidecar() -> ExitCode {
    let demo = env::var(SIDECAR_VARIABLE).ok().and_then(|pid| pid.parse().ok());
    // It ends with the demo, however that ends; nothing is lost if the kernel refuses this.
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    if demo != Some(getppid().as_raw()) {
        return ExitCode::FAILURE; // the demo has ended already
    }
    // The demo blocks signals, and what is blocked stays so in the processes that it starts.
    if SigSet::all().thread_unblock().is_err() {
        return ExitCode::FAILURE;
    }
    config_reloader_sidecar::cli::main(env::args_os())
}

/// What the demo plays on.
pub(crate) struct Stage {
    /// Ended before the application, and that before the files go.
    sidecar: Sidecar,
    application: Target,
    application_name: String,
    volume: Volume,
    plain_file: PathBuf,
    steps: Vec<Step>,
    dir: TempDir,
}

struct Step {
    what: String,
    expected: usize,
    /// When it began, and when the change was complete.
    began: Nanos,
    changed: Nanos,
}

impl Stage {
    /// Makes the configuration, and starts the application and the sidecar.
    pub(crate) fn set(files: &Payload) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("sidecar-demo-").tempdir()?;
        let volume = Volume::create(&dir.path().join("volume"), files)?;
        let plain = dir.path().join("plain");
        fs::create_dir(&plain)?;
        let plain_file = plain.join("extra.conf");
        fs::write(&plain_file, "edit = 0\n")?;
        // Of its own for each demo, as each sidecar sees all processes of the machine.
        let application_name = format!("webapp-{}", std::process::id());
        let application = Target::builder().binary(env::current_exe()?).named(&application_name).spawn()?;
        let sidecar = Sidecar::start(&[volume.path(), &plain], &application_name, &dir.path().join("log"))?;
        Ok(Self { sidecar, application, application_name, volume, plain_file, steps: Vec::new(), dir })
    }

    /// The application's name and PID.
    pub(crate) fn application(&self) -> (&str, i32) {
        (&self.application_name, self.application.pid())
    }

    pub(crate) fn volume(&self) -> &Volume {
        &self.volume
    }

    pub(crate) fn plain_file(&self) -> &Path {
        &self.plain_file
    }

    pub(crate) fn sidecar_log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Does something to the configuration, waits for the signals that are expected of it, looks
    /// whether there are more, and shows the outcome.
    pub(crate) fn step(
        &mut self,
        line: &Timeline,
        what: &str,
        expected: usize,
        act: impl FnOnce(&Self) -> io::Result<Nanos>,
    ) -> io::Result<()> {
        let began = sidecar_testkit::clock::now();
        let changed = act(self)?;
        self.steps.push(Step { what: what.to_owned(), expected, began, changed });
        self.wait_for_signals(expected, DEADLINE)?;
        self.wait_for_signals(expected + 1, WATCHED)?;
        self.rows().last().map_or(Ok(()), |row| line.show(row))
    }

    /// Waits until the last step has so many signals, but not longer than `deadline`.
    fn wait_for_signals(&mut self, count: usize, deadline: Duration) -> io::Result<()> {
        let end = wait::try_until(deadline, || {
            if INTERRUPTED.load(Ordering::Relaxed) {
                return Some(Err(io::Error::other("interrupted")));
            }
            if let Err(error) = self.sidecar.check() {
                return Some(Err(error));
            }
            (self.rows().last()?.signals >= count).then_some(Ok(()))
        });
        end.unwrap_or(Ok(()))
    }

    /// What came of each step: the signals from its beginning to that of the next one.
    pub(crate) fn rows(&self) -> Vec<Row> {
        // Of any other number are the terminal's, as when its window changes its size.
        let reloads = self.application.signals().into_iter().filter(|signal| signal.signal == SIGHUP);
        let reloads: Vec<Nanos> = reloads.map(|signal| signal.ns).collect();
        let ends = self.steps.iter().skip(1).map(|next| next.began).chain([Nanos::MAX]);
        let row = |(step, end): (&Step, Nanos)| {
            let during = reloads.iter().copied().filter(|at| (step.began..end).contains(at));
            let own: Vec<Nanos> = during.collect();
            Row {
                began: step.began,
                what: step.what.clone(),
                signals: own.len(),
                expected: step.expected,
                latency: own.last().map(|at| Duration::from_nanos(at.saturating_sub(step.changed))),
            }
        };
        self.steps.iter().zip(ends).map(row).collect()
    }
}

/// The sidecar in a process of its own, ended as Kubernetes ends it.
struct Sidecar {
    child: Child,
}

impl Sidecar {
    fn start(watched: &[&Path], process_name: &str, log: &Path) -> io::Result<Self> {
        let mut config_dir = OsString::from("--config-dir=");
        for path in watched {
            config_dir.push(path);
            config_dir.push(",");
        }
        let mut command = Command::new(env::current_exe()?);
        // Settings of this shell must not be the sidecar's; and ctrl-c is for the demo alone, which
        // then ends the sidecar.
        command.env_clear().env(SIDECAR_VARIABLE, std::process::id().to_string()).process_group(0);
        command.arg0("config-reloader-sidecar").arg(config_dir).arg(format!("--process-name={process_name}"));
        // Volume and target come to be in one and the same moment here, so which is newer cannot be told; a
        // reload at start would be counted for the first step.
        command.arg("--initial-reload=never");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(log)?);
        let mut sidecar = Self { child: command.spawn()? };
        let ready = wait::try_until(DEADLINE, || {
            let text = fs::read_to_string(log).unwrap_or_default();
            match sidecar.check() {
                Err(error) => Some(Err(io::Error::other(format!("{error}\n{text}")))),
                Ok(()) => text.contains(" ready ").then_some(Ok(())),
            }
        });
        ready.unwrap_or_else(|| Err(io::Error::other("the sidecar does not get ready")))?;
        Ok(sidecar)
    }

    /// An error if it has ended.
    fn check(&mut self) -> io::Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(io::Error::other(format!("the sidecar ended: {status}"))),
            None => Ok(()),
        }
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // Nobody is left to tell of an error here.
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        if wait::try_until(DEADLINE, || self.child.try_wait().transpose()).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
