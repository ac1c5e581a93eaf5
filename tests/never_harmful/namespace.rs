//! A PID namespace in which the test says which PID a process gets.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use sidecar_testkit::counter::{Record, Signal, parse_records};
use sidecar_testkit::target::counter_binary;
use sidecar_testkit::wait;
use tempfile::TempDir;

use crate::support::{self, DEADLINE, open_dir};
use crate::{FENCE, HUP};

const BINARY: &str = env!("CARGO_BIN_EXE_config-reloader-sidecar");
/// What the shell says after each command.
const DONE: &str = "done";

/// Its PID 1 is a shell that takes commands; everything ends with it when this value is dropped.
pub(crate) struct Namespace {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    counters: u32,
    dir: TempDir,
}

/// A counter in the namespace.
pub(crate) struct Inhabitant {
    pub(crate) pid: i32,
    out: PathBuf,
}

impl Namespace {
    /// # Panics
    /// Without the right to make one: the test must not pass without having tested.
    #[track_caller]
    pub(crate) fn new() -> Self {
        assert!(support::is_root(), "this test makes a PID namespace: run the tests as root");
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--", "sh", "-s"]);
        let mut child = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, commands, answers: BufReader::new(answers), counters: 0, dir: open_dir() }
    }

    /// Runs a command of the shell; gives the lines that it writes.
    #[track_caller]
    fn run(&mut self, command: &str) -> String {
        writeln!(self.commands, "{command}\necho {DONE}").unwrap();
        let mut answer = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "the shell ended at {command}");
            if line.trim_end() == DONE {
                return answer;
            }
            answer += &line;
        }
    }

    /// Starts a sidecar with these settings.
    #[track_caller]
    pub(crate) fn start_sidecar(&mut self, config_dir: &Path, settings: &[(&str, &str)]) {
        let (log, mut variables) = (self.log_path(), String::from("INITIAL_RELOAD=never"));
        for (name, value) in settings {
            write!(variables, " {name}='{value}'").unwrap();
        }
        let (config_dir, log) = (config_dir.display(), log.display());
        let environment = format!("CONFIG_DIR='{config_dir}' {variables}");
        self.run(&format!("env -i {environment} '{BINARY}' >/dev/null 2>'{log}' &"));
        self.wait_for_log(" ready ");
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// How many lines of the sidecar's log have this text in them.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Waits for a line of the sidecar's log.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        wait::until(DEADLINE, &format!("a log line with {text:?}"), || {
            self.log().lines().find(|line| line.contains(text)).map(str::to_owned)
        })
    }

    /// Starts a counter that handles its signals when this returns.
    #[track_caller]
    pub(crate) fn start(&mut self, name: &str, read: &Path) -> Inhabitant {
        self.start_after("", name, read)
    }

    /// The same with the PID of one that is dead.
    #[track_caller]
    pub(crate) fn start_as(&mut self, pid: i32, name: &str, read: &Path) -> Inhabitant {
        let before = format!("echo {} >/proc/sys/kernel/ns_last_pid\n", pid - 1);
        let new = self.start_after(&before, name, read);
        assert_eq!(new.pid, pid, "the PID is not free");
        new
    }

    /// Starts a shell that will become a script of this name, which takes SIGHUP: by `execve`, and with no other
    /// process or thread, so that no PID is given out for it. Returns its PID.
    #[track_caller]
    pub(crate) fn start_waiting(&mut self, name: &str) -> i32 {
        let [start, never, ready, script] =
            ["start", "never", "ready", name].map(|file| self.dir.path().join(file));
        let [start, never, ready] = [start, never, ready].map(|path| path.display().to_string());
        let wait = format!("while :; do read _ <'{never}'; done");
        fs::write(&script, format!("#!/bin/sh\ntrap : HUP\necho >'{ready}'\n{wait}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let shell = format!("read _ <'{start}'; exec '{}'", script.display());
        let pid = self.run(&format!("mkfifo '{start}' '{never}'\nsh -c \"{shell}\" 2>/dev/null &\necho $!"));
        pid.trim().parse().unwrap()
    }

    /// Lets it become the script.
    #[track_caller]
    pub(crate) fn let_go(&mut self) {
        self.run(&format!("echo >'{}'", self.dir.path().join("start").display()));
        let ready = self.dir.path().join("ready");
        wait::until(DEADLINE, "the script to be ready", || ready.exists().then_some(()));
    }

    fn start_after(&mut self, before: &str, name: &str, read: &Path) -> Inhabitant {
        let (counter, out) = self.counter(name, read);
        let pid = self.run(&format!("{before}{counter} &\necho $!")).trim().parse().unwrap();
        let new = Inhabitant { pid, out };
        new.wait_until_ready();
        new
    }

    /// The command that runs a new counter, and the file of its records.
    fn counter(&mut self, name: &str, read: &Path) -> (String, PathBuf) {
        self.counters += 1;
        let own_dir = self.dir.path().join(self.counters.to_string());
        fs::create_dir(&own_dir).unwrap();
        let (program, out) = (own_dir.join(name), own_dir.join("out"));
        if fs::hard_link(counter_binary(), &program).is_err() {
            fs::copy(counter_binary(), &program).unwrap();
        }
        let command =
            format!("'{}' --out '{}' --read '{}'", program.display(), out.display(), read.display());
        (command, out)
    }

    /// Kills it, and reaps it, so that its PID is free.
    #[track_caller]
    pub(crate) fn kill(&mut self, victim: &Inhabitant) {
        let pid = victim.pid;
        self.run(&format!("kill -9 {pid}; wait {pid} 2>/dev/null"));
    }

    /// All signals that it got by now but the fences, also those that were under way.
    #[track_caller]
    pub(crate) fn received(&mut self, inhabitant: &Inhabitant) -> Vec<Signal> {
        let fences = || inhabitant.all().iter().filter(|signal| signal.signal == FENCE).count();
        let before = fences();
        self.run(&format!("kill -{FENCE} {}", inhabitant.pid));
        wait::until(DEADLINE, "the fence", || (fences() > before).then_some(()));
        inhabitant.signals()
    }
}

impl Inhabitant {
    #[track_caller]
    fn wait_until_ready(&self) {
        wait::until(DEADLINE, "the counter to be ready", || {
            self.records().iter().any(|record| record.ready().is_some()).then_some(())
        });
    }

    fn records(&self) -> Vec<Record> {
        parse_records(&fs::read_to_string(&self.out).unwrap_or_default())
    }

    fn all(&self) -> Vec<Signal> {
        let signal = |record| if let Record::Signal(signal) = record { Some(signal) } else { None };
        self.records().into_iter().filter_map(signal).collect()
    }

    /// The signals that were recorded by now, without the fences.
    pub(crate) fn signals(&self) -> Vec<Signal> {
        self.all().into_iter().filter(|signal| signal.signal != FENCE).collect()
    }

    /// Waits for signal number `count`, and checks that it is the last by now.
    #[track_caller]
    pub(crate) fn expect_hups(&self, count: usize) -> Signal {
        let signals = wait::until(DEADLINE, &format!("{count} signals at PID {}", self.pid), || {
            Some(self.signals()).filter(|signals| signals.len() >= count)
        });
        assert!(signals.iter().all(|signal| signal.signal == HUP), "{signals:?}");
        assert_eq!(signals.len(), count, "{signals:?}");
        signals.last().unwrap().clone()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of the sidecar\n{}---", self.log());
        }
        // A test has no use for the error of cleaning up.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
