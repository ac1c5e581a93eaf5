//! The scripts of interpreters count as names.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sidecar_testkit::wait;
use tempfile::TempDir;

use crate::Config;
use crate::support::{DEADLINE, open_dir, unique_name};

/// Notes each SIGHUP in a file, and ends after a minute if nobody ends it before.
const TEXT: &str = "#!/bin/sh
trap 'echo HUP >> \"$1\"' HUP
echo ready >> \"$1\"
i=0
while [ $i -lt 600 ]; do
    sleep 0.1 &
    wait $!
    i=$((i + 1))
done
";

/// Where the shell is, which is dash, bash or another one.
const SHELL: &str = "/bin/sh";

/// A running script; it is killed when this value is dropped.
struct Script {
    child: Child,
    out: PathBuf,
    _dir: TempDir,
}

impl Script {
    /// Runs a script of this name; `command` makes the command of the script's path, to which the
    /// arguments of the script are added.
    #[track_caller]
    fn run(name: &str, command: impl FnOnce(&Path, &Path) -> Command) -> Self {
        let dir = open_dir();
        let (path, out) = (dir.path().join(name), dir.path().join("out"));
        fs::write(&path, TEXT).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let mut command = command(&path, dir.path());
        command.arg(&out).stdin(Stdio::null()).stdout(Stdio::null());
        // What was just written can be busy for a moment, while another thread of the test forks.
        let start = || match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => None,
            result => Some(result),
        };
        let child = wait::until(DEADLINE, "the script to start", start).unwrap();
        let script = Self { child, out, _dir: dir };
        script.wait_for_lines(1);
        script
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.out).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn wait_for_lines(&self, count: usize) -> Vec<String> {
        wait::until(DEADLINE, &format!("{count} lines of the script"), || {
            Some(self.lines()).filter(|lines| lines.len() >= count)
        })
    }

    /// Changes the configuration twice, and expects a signal for each.
    #[track_caller]
    fn assert_signalled(&self, process_name: &str) {
        let config = Config::new();
        let sidecar = config.sidecar_for(process_name);
        for round in 1..=2 {
            config.change();
            // One at a time, because the kernel merges signals that wait for a process.
            assert_eq!(self.wait_for_lines(1 + round).len(), 1 + round);
        }
        let sent = sidecar.wait_for_log_lines(" sent signal=", 2, DEADLINE);
        assert!(sent.iter().all(|line| line.contains(&format!(" pid={} ", self.child.id()))), "{sent:?}");
        assert_eq!((sent.len(), self.lines().len()), (2, 3));
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // A test has no use for the error of cleaning up.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Too long for the kernel to keep.
fn long_name() -> String {
    unique_name() + "-entrypoint-script.sh"
}

#[test]
fn a_script_that_is_run_by_its_path() {
    let name = long_name();
    Script::run(&name, |path, _| Command::new(path)).assert_signalled(&name);
}

#[test]
fn a_script_that_is_given_to_its_interpreter() {
    let name = long_name();
    let command = |path: &Path, _: &Path| {
        let mut command = Command::new(SHELL);
        command.arg("-u").arg(path);
        command
    };
    Script::run(&name, command).assert_signalled(&name);
}

#[test]
fn a_script_below_the_directory_of_its_interpreter() {
    let name = long_name();
    let command = |path: &Path, dir: &Path| {
        let mut command = Command::new(SHELL);
        let mut relative = OsString::from("./");
        relative.push(path.file_name().unwrap());
        command.current_dir(dir).arg(relative);
        command
    };
    Script::run(&name, command).assert_signalled(&name);
}

/// As in images with BusyBox, where the executable of every shell is `busybox`.
#[test]
fn a_script_of_an_interpreter_that_is_one_of_many_programs() {
    let name = long_name();
    let command = |path: &Path, dir: &Path| {
        let busybox = dir.join("busybox");
        fs::copy(SHELL, &busybox).unwrap();
        let mut command = Command::new(busybox);
        command.arg0("sh").arg(path);
        command
    };
    Script::run(&name, command).assert_signalled(&name);
}

#[test]
fn an_argument_of_a_script_is_not_its_name() {
    let (name, argument) = (long_name(), unique_name());
    let script = Script::run(&name, |path, dir| {
        let mut command = Command::new(SHELL);
        let text = format!("out=$2; set -- \"$2\"; . '{}'", path.display());
        command.args(["-c", &text, "sh", &argument]).current_dir(dir);
        command
    });
    let right = crate::target(&argument);
    let config = Config::new();
    config.change_twice(&config.sidecar_for(&argument), 1, &[&right]);
    assert_eq!(crate::received(&right), [crate::HUP; 2]);
    assert_eq!(script.lines(), ["ready"]);
}
