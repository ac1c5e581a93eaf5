//! Each state that a counter can be put in, seen from outside.

mod counting;
mod identity;

use std::os::unix::process::ExitStatusExt;

use nix::libc::{
    SIGBUS, SIGCHLD, SIGCONT, SIGHUP, SIGKILL, SIGRTMAX, SIGRTMIN, SIGSEGV, SIGSTOP, SIGSYS, SIGTERM, SIGUSR1,
};

use super::*;
use crate::clock;
use crate::kubelet::{Volume, payload};

/// Long enough for any machine; nothing waits so long in vain.
const DEADLINE: Duration = Duration::from_secs(30);

fn proc_file(pid: i32, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{name}")).unwrap()).into_owned()
}

fn status_field(pid: i32, field: &str) -> String {
    let status = proc_file(pid, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    line.unwrap().trim().to_owned()
}

/// Is the signal in this mask of `/proc/PID/status`?
fn has(pid: i32, mask: &str, signal: i32) -> bool {
    let mask = u64::from_str_radix(&status_field(pid, mask), 16).unwrap();
    mask >> (signal - 1) & 1 == 1
}

fn masks(pid: i32, signal: i32) -> [bool; 3] {
    ["SigCgt", "SigBlk", "SigIgn"].map(|mask| has(pid, mask, signal))
}

const CAUGHT: [bool; 3] = [true, false, false];
const BLOCKED: [bool; 3] = [false, true, false];
const IGNORED: [bool; 3] = [false, false, true];
const DEFAULT: [bool; 3] = [false, false, false];

fn command_line(pid: i32) -> Vec<String> {
    let text = proc_file(pid, "cmdline");
    text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

fn parent(pid: i32) -> i32 {
    status_field(pid, "PPid").parse().unwrap()
}
