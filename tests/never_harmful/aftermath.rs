//! One second after a signal: is the target still there?

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc::SIGKILL;
use sidecar_testkit::wait;
use tempfile::TempDir;

use crate::support::{DEADLINE, Sidecar, open_dir, unique_name};
use crate::{Config, HUP, is_well, received};

const SECOND: Duration = Duration::from_secs(1);
const GONE: &str = " died signal=";

/// It reads its configuration when it starts, and leaves it to others to start it again.
const EXITS: &str = "#!/bin/sh
trap 'exit 3' HUP
echo ready > \"$1\"
i=0
while [ $i -lt 600 ]; do
    sleep 0.1 &
    wait $!
    i=$((i + 1))
done
";

/// A running script that is killed, if it still runs, when this value is dropped.
struct Script {
    child: Child,
    _dir: TempDir,
}

impl Script {
    #[track_caller]
    fn run(name: &str) -> Self {
        let dir = open_dir();
        let (path, out) = (dir.path().join(name), dir.path().join("out"));
        fs::write(&path, EXITS).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        // What was just written can be busy for a moment, while another thread of the test forks.
        let start = || match Command::new(&path).arg(&out).stdin(Stdio::null()).spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => None,
            result => Some(result),
        };
        let child = wait::until(DEADLINE, "the script to start", start).unwrap();
        let is_ready = || fs::read_to_string(&out).is_ok_and(|text| text == "ready\n").then_some(());
        wait::until(DEADLINE, "the script to be ready", is_ready);
        Self { child, _dir: dir }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // A test has no use for the error of cleaning up.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Waits for the one warning about this process, and checks that it is of its last signal, a second ago.
#[track_caller]
fn expect_warning(sidecar: &Sidecar, pid: u32, name: &str, changed: Instant) {
    let line = sidecar.wait_for_log(GONE, DEADLINE);
    let sent = sidecar.log_lines(&format!(" sent signal=SIGHUP pid={pid} ")).pop().unwrap();
    let digest = sent.split(' ').find(|field| field.starts_with("digest=")).unwrap();
    let warning = format!("{GONE}SIGHUP pid={pid} process={name} {digest}: ");
    assert!(line.contains(" WARN ") && line.contains(&warning), "{line}\nlacks {warning}");
    // The signal came after the change; how long after, the log does not tell exactly.
    let later = changed.elapsed();
    assert!((SECOND..SECOND * 5).contains(&later), "{later:?} later");
}

#[test]
fn a_target_that_exits_upon_the_signal_is_told_of_once() {
    let (config, name) = (Config::new(), unique_name());
    let mut script = Script::run(&name);
    let sidecar = config.sidecar(&name).spawn();
    let changed = Instant::now();
    config.change();
    let status = wait::until(DEADLINE, "the script to end", || script.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(3));
    expect_warning(&sidecar, script.child.id(), &name, changed);

    // Its successor, to which nothing happens, is the fence.
    let next = config.target(&name).spawn().unwrap();
    config.change();
    sidecar.wait_for_log(&format!(" pid={} ", next.pid()), DEADLINE);
    config.change();
    let read = || next.signals().last().is_some_and(|last| last.files == config.files());
    wait::until(DEADLINE, "the last configuration", || read().then_some(()));
    assert_eq!(sidecar.log_lines(GONE).len(), 1);
}

/// A crash within the second, not in the handler itself; nobody has reaped it.
#[test]
fn a_target_that_dies_a_moment_after_the_signal_is_told_of_once() {
    let (config, name) = (Config::new(), unique_name());
    let target = config.target(&name).spawn().unwrap();
    let sidecar = config.sidecar(&name).spawn();
    let changed = Instant::now();
    config.change();
    target.wait_for_signals(1, DEADLINE);
    target.send(SIGKILL).unwrap();
    expect_warning(&sidecar, target.pid().cast_unsigned(), &name, changed);
    assert_eq!(sidecar.log_lines(GONE).len(), 1);
}

/// The older one is signalled first, and so is looked at first: the warning about the other is the proof that
/// the look was taken.
#[test]
fn a_target_that_lives_on_is_not_told_of() {
    let (config, name) = (Config::new(), unique_name());
    let healthy = config.target(&name).spawn().unwrap();
    crate::wait_apart();
    let victim = config.target(&name).spawn().unwrap();
    let sidecar = config.sidecar(&name).env("PROCESS_SELECT", "all").spawn();
    let changed = Instant::now();
    config.change();
    victim.wait_for_signals(1, DEADLINE);
    healthy.wait_for_signals(1, DEADLINE);
    victim.send(SIGKILL).unwrap();
    expect_warning(&sidecar, victim.pid().cast_unsigned(), &name, changed);
    // Each look is another second after a signal.
    config.change();
    healthy.wait_for_signals(2, DEADLINE);
    let more = wait::try_until(SECOND * 3 / 2, || (sidecar.log_lines(GONE).len() > 1).then_some(()));
    assert_eq!(more, None);
    assert!(is_well(healthy.pid()));
    assert_eq!(received(&healthy), [HUP; 2]);
}
