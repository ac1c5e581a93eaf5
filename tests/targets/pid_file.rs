//! The target by its PID file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::libc::SIGKILL;
use sidecar_testkit::counter::{Record, parse_records};
use sidecar_testkit::target::{Target, counter_binary};
use sidecar_testkit::wait;
use tempfile::TempDir;

use crate::launched::{Launched, as_pid_1, shell};
use crate::support::{DEADLINE, open_dir, unique_name};
use crate::{Config, HUP, received, target, wait_for_zombie};

/// A PID file that may not be there.
struct PidFile {
    dir: TempDir,
}

impl PidFile {
    fn new() -> Self {
        Self { dir: open_dir() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("app.pid")
    }

    /// Puts a file of this content in its place, at once.
    fn put(&self, content: impl AsRef<[u8]>) {
        let new = self.dir.path().join("new");
        fs::write(&new, content).unwrap();
        fs::rename(new, self.path()).unwrap();
    }
}

fn quoted(path: &Path) -> String {
    format!("PID file {}", path.display())
}

/// With this in the PID file a change is pending, and the log says `expected`; when the file is put
/// right, the target, which started before the change, gets exactly one signal for it.
#[track_caller]
fn assert_mended(content: Option<&str>, name: Option<&str>, expected: &str) {
    let (config, pid_file) = (Config::new(), PidFile::new());
    if let Some(content) = content {
        pid_file.put(content);
    }
    let target = target(name.unwrap_or(&unique_name()));
    let mut builder = config.sidecar().env("PROCESS_PID_FILE", pid_file.path());
    if let Some(name) = name {
        builder = builder.process_name(name);
    }
    let mut sidecar = builder.spawn();
    let at_start = sidecar.wait_for_log(" problem code=", DEADLINE);
    config.change();
    let pending = sidecar.wait_for_log("pending digest=", DEADLINE);
    for line in [at_start, pending] {
        let is_whole = line.contains(" WARN ") && line.contains(&quoted(&pid_file.path()));
        assert!(is_whole && line.contains(expected), "{line}\nlacks {expected}");
    }
    assert!(sidecar.is_running());
    assert_eq!(received(&target), [0; 0]);

    pid_file.put(format!("{}\n", target.pid()));
    sidecar.wait_for_log(" sent signal=", DEADLINE);
    assert_eq!(received(&target), [HUP]);
    config.change_twice(&sidecar, 1, &[&target]);
    assert_eq!(received(&target), [HUP; 3]);
    assert_eq!(sidecar.log_lines("pending digest=").len(), 1, "one warning is enough");
}

#[test]
fn missing() {
    assert_mended(None, None, "No such file or directory (os error 2); check PROCESS_PID_FILE");
}

#[test]
fn empty() {
    for content in ["", " \n"] {
        assert_mended(Some(content), None, "is empty; the application has to write its PID into it");
    }
}

#[test]
fn not_a_number() {
    assert_mended(Some("nginx\n"), None, "holds \"nginx\", which is no PID; a number above 0 is expected");
    assert_mended(Some("99999999999\n"), None, "which is no PID; a number above 0 is expected");
}

/// It would mean the sidecar's own process group.
#[test]
fn zero() {
    assert_mended(Some("0\n"), None, "holds \"0\", which is no PID; a number above 0 is expected");
}

/// It would mean every process that there is, or a group of them.
#[test]
fn negative() {
    assert_mended(Some("-1\n"), None, "holds \"-1\", which is no PID; a number above 0 is expected");
    let group = format!("-{}", std::process::id());
    assert_mended(Some(&group), None, "which is no PID; a number above 0 is expected");
}

#[test]
fn stale() {
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    // With a name, so that whoever may get this PID next is safe.
    let expected = "and there is no such process; it is stale, or of another PID namespace";
    assert_mended(Some(&gone.id().to_string()), Some(&unique_name()), expected);
}

#[test]
fn of_a_zombie() {
    let zombie = target(&unique_name());
    zombie.send(SIGKILL).unwrap();
    wait_for_zombie(zombie.pid());
    assert_mended(Some(&zombie.pid().to_string()), None, "and there is no such process");
}

#[test]
fn of_a_process_of_another_name() {
    let (other, name) = (unique_name(), unique_name());
    let decoy = target(&other);
    let expected = format!("which is {other:?} and not the process of PROCESS_NAME");
    assert_mended(Some(&decoy.pid().to_string()), Some(&name), &expected);
    assert_eq!(received(&decoy), [0; 0]);
}

#[test]
fn right_with_blanks_and_further_lines() {
    for (before, after) in [("", ""), ("", "\n"), (" \n\t", " \r\n"), ("", "\n/var/lib/postgresql\n5432\n")] {
        let (config, pid_file) = (Config::new(), PidFile::new());
        let target = target(&unique_name());
        pid_file.put(format!("{before}{}{after}", target.pid()));
        let sidecar = config.sidecar().env("PROCESS_PID_FILE", pid_file.path()).spawn();
        config.change_twice(&sidecar, 1, &[&target]);
        assert_eq!(received(&target), [HUP, HUP]);
    }
}

/// The workers of the same name are none of its business.
#[test]
fn of_one_process_among_many() {
    let (config, pid_file, name) = (Config::new(), PidFile::new(), unique_name());
    let others = [target(&name), target(&name)];
    let master = Target::builder().named(&name).workers(2).spawn().unwrap();
    let worker = master.workers()[0];
    pid_file.put(worker.to_string());
    let sidecar = config.sidecar().process_name(&name).env("PROCESS_PID_FILE", pid_file.path()).spawn();
    config.change_twice(&sidecar, 1, &[&master]);
    for (pid, signals) in crate::received_by_all(&master) {
        assert_eq!(signals.len(), if pid == worker { 2 } else { 0 }, "PID {pid}");
    }
    assert!(others.iter().all(|other| received(other).is_empty()));
}

#[test]
fn read_anew_at_each_change() {
    let (config, pid_file) = (Config::new(), PidFile::new());
    let (first, second) = (target(&unique_name()), target(&unique_name()));
    pid_file.put(first.pid().to_string());
    let sidecar = config.sidecar().env("PROCESS_PID_FILE", pid_file.path()).spawn();
    config.change_twice(&sidecar, 1, &[&first]);
    pid_file.put(second.pid().to_string());
    config.change_twice(&sidecar, 1, &[&second]);
    assert_eq!((received(&first), received(&second)), (vec![HUP; 2], vec![HUP; 2]));
}

/// An application that is PID 1 of its container writes 1, which in the sidecar's own namespace is
/// the sidecar.
#[test]
fn of_the_sidecar_itself_as_pid_1() {
    let (config, pid_file) = (Config::new(), PidFile::new());
    pid_file.put("1\n");
    let out = pid_file.dir.path().join("out");
    let command = shell("\"$2\" --out \"$3\" & exec \"$1\"", &[counter_binary().as_ref(), out.as_ref()]);
    let settings = [("PROCESS_PID_FILE", pid_file.path().to_str().unwrap().to_owned())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut sidecar = Launched::start(as_pid_1(&command), config.path(), &settings);
    let records = || parse_records(&fs::read_to_string(&out).unwrap_or_default());
    let pid = wait::until(DEADLINE, "the target to be ready", || {
        records().iter().find_map(|record| record.ready().map(|process| process.pid))
    });

    config.change();
    let line = sidecar.wait_for_log("pending digest=");
    assert!(
        line.contains("holds 1, the sidecar's own PID") && line.contains("shareProcessNamespace: true"),
        "{line}"
    );
    assert!(sidecar.is_running());

    let signals = || {
        let number = |record| if let Record::Signal(signal) = record { Some(signal.signal) } else { None };
        records().into_iter().filter_map(number).collect::<Vec<i32>>()
    };
    assert_eq!(signals(), [0; 0]);
    pid_file.put(pid.to_string());
    for round in 1..=3 {
        wait::until(DEADLINE, "a signal", || (signals().len() >= round).then_some(()));
        assert_eq!(signals(), vec![HUP; round]);
        config.change();
    }
}
