//! The sidecar, as it is released, with the rights that the README gives it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::OnceLock;
use std::thread;

use e2e::binaries::{Libc, manifest_of};
use sidecar_testkit::wait;

use super::{DEADLINE, Disposition, Pod, find};

/// A running sidecar; it ends with its pod.
pub(crate) struct Sidecar {
    child: Child,
    log: PathBuf,
    name: String,
    /// How many processes had the target's name when it started.
    candidates: usize,
}

impl Sidecar {
    /// Starts it with these settings, and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(pod: &Pod, watched: &[&Path], name: &str, settings: &[(&str, &str)]) -> Self {
        let log = pod.path("log-sidecar");
        let candidates = pod.count(name);
        // A container as root with `capabilities: { drop: [ALL], add: [KILL] }`.
        let mut command = pod.command(find("setpriv").unwrap());
        command.args(["--inh-caps=-all", "--bounding-set=-all,+kill", "--no-new-privs", "--"]).arg(binary());
        let paths: Vec<_> = watched.iter().map(|path| path.to_str().unwrap()).collect();
        command.env_clear().env("CONFIG_DIR", paths.join(",")).env("PROCESS_NAME", name);
        command.envs(settings.iter().copied()).stderr(File::create(&log).unwrap());
        let mut sidecar = Self { child: command.spawn().unwrap(), log, name: name.to_owned(), candidates };
        sidecar.wait_ready();
        sidecar
    }

    fn wait_ready(&mut self) {
        wait::until(DEADLINE, "the sidecar to be ready", || {
            assert_eq!(self.child.try_wait().unwrap(), None, "the sidecar ended\n{}", self.log());
            self.log().contains(" ready ").then_some(())
        });
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The signal and the PID in each of the log's lines with this text.
    fn told(&self, text: &str) -> Vec<(String, String)> {
        let field = |line: &str, key: &str| {
            let value = line.split([' ', ',']).find_map(|word| word.strip_prefix(key));
            value.unwrap_or_default().to_owned()
        };
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains(text));
        lines.map(|line| (field(line, "signal="), field(line, "pid="))).collect()
    }

    /// What it says to have sent, and whom.
    fn sent(&self) -> Vec<(String, String)> {
        self.told(" sent signal=")
    }

    /// What its target does about the signal now.
    #[track_caller]
    pub(crate) fn disposition(&self, pod: &Pod) -> Disposition {
        let (signal, pid) = self.told(" target pid=").remove(0);
        pod.disposition(&pid, signal.parse().unwrap())
    }

    /// Checks that it sent so many signals, all to one process; gives the signal and the number of processes of
    /// that process's name.
    #[track_caller]
    pub(crate) fn expect_sent(&self, count: usize) -> (String, usize) {
        // It logs after it sends.
        wait::until(DEADLINE, &format!("{count} signals"), || (self.sent().len() >= count).then_some(()));
        let sent = self.sent();
        assert_eq!(sent.len(), count, "signals sent: {sent:?}");
        assert!(sent.iter().all(|one| *one == sent[0]), "signals sent: {sent:?}");
        (sent[0].0.clone(), self.candidates)
    }

    /// The name that it looks for.
    pub(crate) fn process_name(&self) -> &str {
        &self.name
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        wait::until(DEADLINE, "the sidecar to end", || self.child.try_wait().unwrap())
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of the sidecar\n{}---", self.log());
        }
        // A test has no use for the errors of cleaning up. This ends `nsenter`, the pod's end the sidecar.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Built once for all cases.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let libc = Libc::choose().unwrap();
        libc.build(&manifest_of(""), "config-reloader-sidecar").unwrap()
    })
}
