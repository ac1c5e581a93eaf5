//! The sidecar at work, with nothing to set up: `cargo run --example demo`.
//!
//! Makes a volume as the kubelet does and a plain directory, starts an application that counts
//! SIGHUPs and the sidecar that watches both, changes the configuration in several ways, and shows
//! how many signals came of each. Ends with status 0 if they are as many as they should be.

mod stage;
mod timeline;

use std::env;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use sidecar_testkit::clock::{self, Nanos};
use sidecar_testkit::counter;
use sidecar_testkit::kubelet::{Payload, payload};

use stage::Stage;
use timeline::{Row, Timeline, sum_up};

/// Set by a signal that asks the demo to end; whatever waits looks at it, so that all is cleaned up.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Writes in a burst, each well within the quiet period of the one before.
const BURST: u32 = 20;

fn main() -> ExitCode {
    // The demo's own executable is the application and the sidecar, too.
    if counter::is_requested() {
        return counter::main(env::args_os().skip(1));
    }
    if stage::sidecar_is_requested() {
        return stage::be_sidecar();
    }
    match watch_for_interrupts().and_then(|()| play()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Who closes the output has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            // Not `eprintln`, which panics if nobody listens.
            let _ = writeln!(io::stderr(), "demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Takes the signals that end a program, so that it can clean up first.
fn watch_for_interrupts() -> io::Result<()> {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    // Before there is another thread, so that all of them leave the signals to the one below.
    signals.thread_block()?;
    thread::Builder::new().spawn(move || {
        if signals.wait().is_ok() {
            INTERRUPTED.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(())
}

/// The whole demo; tells whether all counts were right.
fn play() -> io::Result<bool> {
    let mut files = payload([("app.conf", "workers = 1\n"), ("log.conf", "level = info\n")]);
    let mut stage = Stage::set(&files)?;
    let line = Timeline::start(stage.application())?;

    stage.step(&line, "volume: a key changed", 1, |stage| swap(stage, &mut files, change))?;
    stage.step(&line, "volume: a key added", 1, |stage| swap(stage, &mut files, add))?;
    stage.step(&line, "volume: a key removed", 1, |stage| swap(stage, &mut files, remove))?;
    stage.step(&line, &format!("plain file: {BURST} edits at once"), 1, burst)?;
    stage.step(&line, "plain file: chmod", 0, chmod)?;
    // What the chmod should not have caused would be here at the latest.
    stage.step(&line, "plain file: one edit more", 1, edit)?;

    let rows: Vec<Row> = stage.rows();
    let right = rows.iter().all(Row::is_right);
    sum_up(&rows)?;
    if !right {
        writeln!(io::stderr(), "the sidecar's log:\n{}", stage.sidecar_log())?;
    }
    Ok(right)
}

fn change(files: &mut Payload) {
    files.insert("app.conf".into(), b"workers = 2\n".to_vec());
}

fn add(files: &mut Payload) {
    files.insert("tls.conf".into(), b"tls = on\n".to_vec());
}

fn remove(files: &mut Payload) {
    files.remove("log.conf");
}

/// Writes the volume as the kubelet does; the time is that before the swap.
fn swap(stage: &Stage, files: &mut Payload, edit: impl FnOnce(&mut Payload)) -> io::Result<Nanos> {
    edit(files);
    let swap = stage.volume().write(files)?;
    swap.renamed.map(|renamed| renamed.before).ok_or_else(|| io::Error::other("nothing was swapped"))
}

fn burst(stage: &Stage) -> io::Result<Nanos> {
    (1..BURST).try_for_each(|number| append(stage, number).map(drop))?;
    append(stage, BURST)
}

fn edit(stage: &Stage) -> io::Result<Nanos> {
    append(stage, BURST + 1)
}

/// One write, of one line; the time is that before it.
fn append(stage: &Stage, number: u32) -> io::Result<Nanos> {
    let mut file = File::options().append(true).open(stage.plain_file())?;
    let now = clock::now();
    file.write_all(format!("edit = {number}\n").as_bytes())?;
    Ok(now)
}

fn chmod(stage: &Stage) -> io::Result<Nanos> {
    let now = clock::now();
    fs::set_permissions(stage.plain_file(), Permissions::from_mode(0o600))?;
    Ok(now)
}
