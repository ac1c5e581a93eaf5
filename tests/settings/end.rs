//! Its end: SIGTERM and SIGINT end it with status 0, whatever it is doing.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::signal::Signal::{SIGINT, SIGTERM};
use sidecar_testkit::wait;

use crate::launched::{Launched, as_pid_1, binary, shell};
use crate::support::{DEADLINE, Sidecar, unique_name};

/// It should take well under 100 ms; a machine under load is slower.
const QUICKLY: Duration = Duration::from_secs(2);

/// Below the size from which files are not hashed, and so many that it takes a while.
const LARGE: u64 = 60 << 20;
const FILES: u32 = 20;

const BOTH: [Signal; 2] = [SIGTERM, SIGINT];

fn watching(dir: &Path) -> crate::support::Builder {
    Sidecar::builder().config_dir(dir).process_name(&unique_name())
}

/// Makes files that take no room on the disk.
fn make_large_files(dir: &Path) {
    for number in 0..FILES {
        File::create(dir.join(number.to_string())).unwrap().set_len(LARGE).unwrap();
    }
}

/// Waits until the process has one of the files open.
#[track_caller]
fn wait_until_reading(pid: i32, dir: &Path) {
    wait::until(DEADLINE, "a file to be read", || {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        // Any of them may be closed meanwhile.
        let mut targets = descriptors.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
        targets.any(|target| target.parent() == Some(dir)).then_some(())
    });
}

#[test]
fn when_it_has_nothing_to_do() {
    for signal in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let mut sidecar = watching(dir.path()).spawn();
        sidecar.send(signal);
        assert_eq!(sidecar.wait_for_end(QUICKLY).code(), Some(0), "{signal}");
        assert_eq!(sidecar.output(), "", "nothing for the standard output");
    }
}

#[test]
fn when_a_change_is_pending() {
    for signal in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let mut sidecar = watching(dir.path()).spawn();
        File::create(dir.path().join("new")).unwrap();
        sidecar.wait_for_log("pending", DEADLINE);
        sidecar.send(signal);
        assert_eq!(sidecar.wait_for_end(QUICKLY).code(), Some(0), "{signal}");
    }
}

#[test]
fn when_the_digest_of_the_start_is_under_way() {
    for signal in BOTH {
        let dir = tempfile::tempdir().unwrap();
        make_large_files(dir.path());
        let mut sidecar = watching(dir.path()).spawn_unready();
        wait_until_reading(sidecar.pid(), dir.path());
        sidecar.send(signal);
        assert_eq!(sidecar.wait_for_end(QUICKLY).code(), Some(0), "{signal}");
        assert_eq!(sidecar.log_lines(" ready "), [""; 0], "the digest was complete already");
    }
}

#[test]
fn when_the_digest_of_a_change_is_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let mut sidecar = watching(dir.path()).spawn();
    make_large_files(dir.path());
    wait_until_reading(sidecar.pid(), dir.path());
    sidecar.send(SIGTERM);
    assert_eq!(sidecar.wait_for_end(QUICKLY).code(), Some(0));
    assert_eq!(sidecar.log_lines(" changed "), [""; 0], "the digest was complete already");
}

/// A shell without job control starts what is in its background like this.
#[test]
fn when_it_was_started_with_the_signal_ignored() {
    for (signal, name) in [(SIGTERM, "TERM"), (SIGINT, "INT")] {
        let dir = tempfile::tempdir().unwrap();
        let command = shell(&format!("trap '' {name}; exec \"$1\""), &[]);
        let mut sidecar = Launched::start(command, dir.path(), &[("PROCESS_NAME", &unique_name())]);
        let pid = sidecar.pid();
        assert_eq!(sidecar.end_by(signal, pid, QUICKLY).code(), Some(0), "{signal}");
    }
}

/// The kernel keeps from PID 1 what it has no handler for.
#[test]
fn when_it_is_pid_1() {
    for signal in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let command = as_pid_1(&Command::new(binary()));
        let mut sidecar = Launched::start(command, dir.path(), &[("PROCESS_NAME", &unique_name())]);
        let pid = sidecar.child_pid();
        assert_eq!(innermost_pid(pid), "1");
        assert_eq!(sidecar.end_by(signal, pid, QUICKLY).code(), Some(0), "{signal}");
    }
}

/// The PID in the innermost namespace (proc_pid_status(5)).
fn innermost_pid(pid: i32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
    line.split_ascii_whitespace().last().unwrap().to_owned()
}
