//! Which of several processes of one name are targets.

use std::collections::BTreeMap;

use sidecar_testkit::target::Target;

use crate::support::{Sidecar, unique_name};
use crate::{Config, HUP, NOBODY, received, received_by_all, target, wait_for_zombie};

const NONE: [i32; 0] = [];
const TWO: [i32; 2] = [HUP, HUP];

fn selecting(config: &Config, name: &str, mode: &str) -> Sidecar {
    config.sidecar().process_name(name).env("PROCESS_SELECT", mode).spawn()
}

fn master(name: &str, workers: u32) -> Target {
    Target::builder().named(name).workers(workers).spawn().unwrap()
}

/// The master got two signals, and no worker got any.
#[track_caller]
fn assert_only_master(master: &Target) {
    let mut received: BTreeMap<i32, Vec<i32>> = received_by_all(master);
    assert_eq!(received.remove(&master.pid()).unwrap(), TWO);
    assert!(!received.is_empty() && received.values().all(Vec::is_empty), "workers: {received:?}");
}

#[test]
fn root_is_the_master_and_not_its_workers() {
    let (config, name) = (Config::new(), unique_name());
    let master = master(&name, 4);
    config.change_twice(&selecting(&config, &name, "root"), 1, &[&master]);
    assert_only_master(&master);
}

#[test]
fn root_is_the_default() {
    let (config, name) = (Config::new(), unique_name());
    let master = master(&name, 4);
    config.change_twice(&config.sidecar_for(&name), 1, &[&master]);
    assert_only_master(&master);
}

#[test]
fn workers_with_titles_of_their_own_are_no_roots() {
    let (config, name) = (Config::new(), unique_name());
    let master = Target::builder()
        .named(&unique_name())
        .title(&format!("{name}: master process"))
        .workers(2)
        .worker_title(&format!("{name}: worker process"));
    let master = master.spawn().unwrap();
    config.change_twice(&config.sidecar_for(&name), 1, &[&master]);
    assert_only_master(&master);
}

#[test]
fn root_need_not_be_the_first_process() {
    let (config, name) = (Config::new(), unique_name());
    let master = Target::builder().named(&name).shell_parent().workers(1).spawn().unwrap();
    assert_ne!(master.pid(), master.first_pid());
    config.change_twice(&config.sidecar_for(&name), 1, &[&master]);
    assert_only_master(&master);
}

#[test]
fn root_is_each_of_two_masters() {
    let (config, name) = (Config::new(), unique_name());
    let masters = [master(&name, 2), master(&name, 1)];
    config.change_twice(&selecting(&config, &name, "root"), 2, &masters.each_ref());
    masters.iter().for_each(assert_only_master);
}

#[test]
fn all_is_the_master_and_each_worker() {
    let (config, name) = (Config::new(), unique_name());
    let master = master(&name, 4);
    config.change_twice(&selecting(&config, &name, "all"), 5, &[&master]);
    let received = received_by_all(&master);
    assert_eq!(received.len(), 5);
    assert!(received.values().all(|signals| *signals == TWO), "{received:?}");
}

#[test]
fn oldest_and_newest_are_one_of_two() {
    for (mode, expected) in [("oldest", [&TWO[..], &NONE]), ("newest", [&NONE, &TWO])] {
        let (config, name) = (Config::new(), unique_name());
        let targets = [target(&name), target(&name)];
        config.change_twice(&selecting(&config, &name, mode), 1, &targets.each_ref());
        assert_eq!(targets.each_ref().map(received), expected, "{mode}");
    }
}

/// What was chosen for one change is not taken for granted at the next.
#[test]
fn a_process_that_comes_later_counts_from_the_next_change() {
    let table: [(&str, &[i32], &[i32]); 4] = [
        ("root", &[HUP; 4], &TWO),
        ("all", &[HUP; 4], &TWO),
        ("oldest", &[HUP; 4], &NONE),
        ("newest", &TWO, &TWO),
    ];
    for (mode, of_first, of_second) in table {
        let (config, name) = (Config::new(), unique_name());
        let first = target(&name);
        let sidecar = selecting(&config, &name, mode);
        config.change_twice(&sidecar, 1, &[&first]);
        let second = target(&name);
        config.change_twice(&sidecar, (of_first.len() + of_second.len() - 2) / 2, &[&first, &second]);
        assert_eq!([received(&first), received(&second)], [of_first, of_second], "{mode}");
    }
}

#[test]
fn a_zombie_is_no_target_in_any_mode() {
    for mode in ["root", "all", "oldest", "newest"] {
        let (config, name) = (Config::new(), unique_name());
        // The zombie is the oldest, and then the newest.
        let (before, live, after) = (target(&name), target(&name), target(&name));
        for zombie in [&before, &after] {
            zombie.send(nix::libc::SIGKILL).unwrap();
            wait_for_zombie(zombie.pid());
        }
        let sidecar = selecting(&config, &name, mode);
        config.change_twice(&sidecar, 1, &[&live]);
        assert_eq!(received(&live), TWO, "{mode}");
        let own = format!(" pid={} ", live.pid());
        assert!(sidecar.log_lines(" sent signal=").iter().all(|line| line.contains(&own)), "{mode}");
    }
}

#[test]
fn a_zombie_alone_is_no_target() {
    let (config, name) = (Config::new(), unique_name());
    let zombie = target(&name);
    zombie.send(nix::libc::SIGKILL).unwrap();
    wait_for_zombie(zombie.pid());
    let sidecar = config.sidecar_for(&name);
    config.change();
    let line = sidecar.wait_for_log("pending digest=", crate::DEADLINE);
    assert!(line.contains(&name) && line.contains("no process is named"), "{line}");
}

/// A sidecar of another user cannot read the executable's path.
#[test]
fn the_executable_of_another_user_is_known_by_its_arguments() {
    crate::require_root();
    let (config, name) = (Config::new(), unique_name());
    let targets = [
        Target::builder().named(&name).user(NOBODY, NOBODY).workers(2).spawn().unwrap(),
        Target::builder().named(&name).user(NOBODY, NOBODY).workers(1).spawn().unwrap(),
    ];
    let sidecar = config.sidecar().process_name(&name).user(NOBODY, NOBODY).spawn();
    config.change_twice(&sidecar, 2, &targets.each_ref());
    targets.iter().for_each(assert_only_master);
}
