//! What the sidecar holds, by proc(5).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Resident memory in KiB.
pub(crate) fn resident(pid: i32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How many file descriptors.
pub(crate) fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// How many sockets of IP, of any kind and state.
pub(crate) fn ip_sockets(pid: i32) -> usize {
    let inodes = inodes_of_ip(pid);
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    // One that is closed meanwhile is none.
    let links: Vec<PathBuf> = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok()).collect();
    let inode = |link: &PathBuf| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned());
    links.iter().filter_map(inode).filter(|inode| inodes.contains(inode)).count()
}

/// The tenth column of each table is the inode (proc_pid_net(5)).
fn inodes_of_ip(pid: i32) -> BTreeSet<String> {
    let table = |name: &str| fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default();
    let tables = ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"].map(table);
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines.filter_map(|line| line.split_whitespace().nth(9)).map(str::to_owned).collect()
}
