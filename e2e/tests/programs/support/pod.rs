//! A pod: namespaces for PIDs, network, IPC and mounts, which all its containers share.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;
use sidecar_testkit::kubelet::{Payload, Volume};
use sidecar_testkit::wait;
use tempfile::TempDir;

use super::{DEADLINE, find};

/// Its first process; it ends, and everything in the pod with it, when its standard input does.
const PAUSE: &str = "mount -t tmpfs none /dev/shm; ip link set lo up; echo up; exec cat";

/// A sidecar takes files that are no older than this for newer than the program, as the kernel's times are coarse.
const FILE_TICKS: Duration = Duration::from_millis(50);

/// Its network is that of the thread that made it. All is ended and removed when this value is dropped.
pub(crate) struct Pod {
    pause: Child,
    end: Option<ChildStdin>,
    containers: Vec<(PathBuf, Child)>,
    written: Instant,
    dir: TempDir,
}

impl Pod {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let mut unshare = Command::new(find("unshare").unwrap());
        unshare.args(["--mount", "--pid", "--ipc", "--net", "--fork", "--kill-child", "--mount-proc"]);
        unshare.args(["sh", "-ec", PAUSE]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let mut pause = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(pause.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), "up", "no namespaces to be had");
        let network = File::open(format!("/proc/{}/ns/net", pause.id())).unwrap();
        setns(network, CloneFlags::CLONE_NEWNET).unwrap();
        let end = pause.stdin.take();
        Self { pause, end, containers: Vec::new(), written: Instant::now(), dir }
    }

    /// A path in a directory that everybody may enter.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A volume with this content.
    #[track_caller]
    pub(crate) fn volume(&mut self, name: &str, payload: &Payload) -> Volume {
        let volume = Volume::create(&self.path(name), payload).unwrap();
        self.written = Instant::now();
        volume
    }

    /// A file of the program's image, not of a volume.
    #[track_caller]
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
        path
    }

    /// A command in the pod. As in any pod, its parent is outside.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let proc = format!("/proc/{}/ns", self.pause.id());
        let mut command = Command::new(find("nsenter").unwrap());
        command.arg(format!("--pid={proc}/pid_for_children")).arg(format!("--ipc={proc}/ipc"));
        command.arg(format!("--mount={proc}/mnt")).arg("--").arg(program.as_ref());
        command.stdin(Stdio::null()).env("LC_ALL", "C");
        command
    }

    /// The same for another user.
    pub(crate) fn command_as(&self, user: &str, program: &Path) -> Command {
        let mut command = self.command(find("setpriv").unwrap());
        command.args(["--reuid", user, "--regid", user, "--init-groups", "--"]).arg(program);
        command
    }

    /// Starts a program that is to run as long as the pod.
    #[track_caller]
    pub(crate) fn start(&mut self, command: &mut Command) {
        wait::until(DEADLINE, "time to pass", || (self.written.elapsed() > FILE_TICKS).then_some(()));
        let log = self.path(&format!("log-{}", self.containers.len()));
        let output = File::create(&log).unwrap();
        let child = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        self.containers.push((log, child));
    }

    /// How many of its processes have this name.
    #[track_caller]
    pub(crate) fn count(&self, name: &str) -> usize {
        let processes = fs::read_dir(self.proc()).unwrap();
        let comm = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let is_pid = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().parse::<u32>().is_ok();
        let names = processes.map(Result::unwrap).filter(is_pid).map(comm);
        names.filter(|comm| comm.trim_end() == name).count()
    }
}

/// What a process does about a signal (proc_pid_status(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    Caught,
    Ignored,
    Default,
}

impl Pod {
    /// For the process of this PID in the pod.
    #[track_caller]
    pub(crate) fn disposition(&self, pid: &str, signal: Signal) -> Disposition {
        let status = fs::read_to_string(self.proc().join(pid).join("status")).unwrap();
        let has = |field: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
            u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal as i32 - 1) & 1 == 1
        };
        match (has("SigCgt:"), has("SigIgn:")) {
            (true, _) => Disposition::Caught,
            (_, true) => Disposition::Ignored,
            _ => Disposition::Default,
        }
    }

    /// The process table of the pod.
    fn proc(&self) -> PathBuf {
        format!("/proc/{}/root/proc", self.pause.id()).into()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        drop(self.end.take());
        if wait::try_until(DEADLINE, || self.pause.try_wait().ok().flatten()).is_none() {
            // A test has no use for the errors of cleaning up.
            let _ = self.pause.kill().and_then(|()| self.pause.wait());
        }
        for (log, child) in &mut self.containers {
            let _ = child.wait();
            if thread::panicking() {
                let output = fs::read(&log).unwrap_or_default();
                eprintln!("--- {}\n{}---", log.display(), String::from_utf8_lossy(&output));
            }
        }
    }
}
