//! How soon the scheduler lets the sidecar in.

use std::fs;
use std::path::Path;

use sidecar_testkit::kubelet::Order;

use crate::Watched;

/// In nanoseconds; `None` where the kernel does not tell.
fn time_slice(thread: &Path) -> Option<u64> {
    let told = fs::read_to_string(thread.join("sched")).ok()?;
    let line = told.lines().find(|line| line.starts_with("se.slice "))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Whether one can be asked for: since Linux 6.12.
fn can_be_asked_for() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(12))
}

#[test]
fn all_its_threads_ask_for_the_shortest_turns() {
    let watched = Watched::new(Order::LinksAfterSwap);
    let own = time_slice(Path::new("/proc/thread-self"));
    let expected = own.map(|own| if can_be_asked_for() { 100_000 } else { own });
    let threads = fs::read_dir(format!("/proc/{}/task", watched.scene.sidecar.pid())).unwrap();
    let slices: Vec<Option<u64>> = threads.map(|thread| time_slice(&thread.unwrap().path())).collect();
    assert_eq!(slices, [expected; 2], "the loop's and notify's");
}
