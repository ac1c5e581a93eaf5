//! How soon the scheduler lets the sidecar in.

use std::fs;
use std::path::Path;

use sidecar_testkit::kubelet::Order;

use crate::Watched;

/// In nanoseconds; `None` where the kernel does not tell (before Linux 6.12, or without `CONFIG_SCHED_DEBUG`).
fn time_slice(thread: &Path) -> Option<u64> {
    let told = fs::read_to_string(thread.join("sched")).ok()?;
    let line = told.lines().find(|line| line.starts_with("se.slice "))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn all_its_threads_ask_for_the_shortest_turns() {
    let watched = Watched::new(Order::LinksAfterSwap);
    let expected = time_slice(Path::new("/proc/thread-self")).map(|_| 100_000);
    let threads = fs::read_dir(format!("/proc/{}/task", watched.scene.sidecar.pid())).unwrap();
    let slices: Vec<Option<u64>> = threads.map(|thread| time_slice(&thread.unwrap().path())).collect();
    assert_eq!(slices, [expected; 2], "the loop's and notify's");
}
