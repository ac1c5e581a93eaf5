//! What a process is: names, relations, owner, lifetime.

use super::*;

#[test]
fn workers_are_children_that_count_too() {
    let target = Target::builder().named("nginx").workers(3).args(["-g", "x"]).spawn().unwrap();
    let workers = target.workers();
    assert_eq!(workers.len(), 3);
    for &pid in &workers {
        assert_eq!(parent(pid), target.pid());
        assert_eq!(proc_file(pid, "comm"), "nginx\n");
        assert_eq!(command_line(pid)[1..], ["-g", "x"]);
        counter::send(pid, SIGHUP).unwrap();
    }
    let signals = target.wait_for_signals(3, DEADLINE);
    let mut numbers: Vec<_> = signals.iter().map(|signal| signal.role).collect();
    numbers.sort_by_key(|role| format!("{role:?}"));
    assert_eq!(numbers, [Role::Worker(1), Role::Worker(2), Role::Worker(3)]);
}

#[test]
fn a_worker_that_ends_leaves_no_zombie() {
    let target = Target::builder().workers(2).spawn().unwrap();
    let worker = target.workers()[0];
    counter::send(worker, SIGKILL).unwrap();
    wait::until(DEADLINE, "the worker to be reaped", || {
        (!Path::new(&format!("/proc/{worker}")).exists()).then_some(())
    });
    assert_eq!(target.signals(), []);
}

#[test]
fn the_name_shows_everywhere() {
    let target = Target::builder().named("nginx").args(["-g", "daemon off;"]).spawn().unwrap();
    assert_eq!(proc_file(target.pid(), "comm"), "nginx\n");
    let executable = fs::read_link(format!("/proc/{}/exe", target.pid())).unwrap();
    assert_eq!(executable.file_name().unwrap(), "nginx");
    let command_line = command_line(target.pid());
    assert_eq!(Path::new(&command_line[0]), executable);
    assert_eq!(command_line[1..], ["-g", "daemon off;"]);
}

#[test]
fn comm_and_title_can_differ_from_the_name() {
    let nginx = Target::builder().named("nginx").title("nginx: master process /nginx");
    let nginx = nginx.worker_title("nginx: worker process").workers(1);
    let target = nginx.comm("a-name-of-more-than-15").spawn().unwrap();
    assert_eq!(command_line(target.pid()), ["nginx: master process /nginx"]);
    assert_eq!(proc_file(target.pid(), "comm"), "a-name-of-more-\n");
    let worker = target.workers()[0];
    assert_eq!(command_line(worker), ["nginx: worker process"]);
    assert_eq!(parent(worker), target.pid());
}

#[test]
fn a_shell_parent_has_no_trait_of_the_target() {
    let target = Target::builder().named("nginx").workers(1).shell_parent().spawn().unwrap();
    let first = target.first_pid();
    assert_eq!(parent(target.pid()), first);
    assert_eq!(parent(target.workers()[0]), target.pid());
    assert_eq!(proc_file(first, "comm"), "parent\n");
    assert_eq!(command_line(first), ["parent"]);
    let executable = fs::read_link(format!("/proc/{first}/exe")).unwrap();
    assert_eq!(executable.file_name().unwrap(), "parent");
    assert_eq!(proc_file(target.pid(), "comm"), "nginx\n");
    // The C library blocks all signals while it starts a process, and may not be done yet.
    wait::until(DEADLINE, "the masks of the parent", || (masks(first, SIGHUP) == DEFAULT).then_some(()));
    assert_eq!(masks(target.pid(), SIGHUP), CAUGHT);
}

#[test]
fn a_shell_parent_ends_as_its_child_does() {
    let shell = Target::builder().mode(Mode::Default).shell_parent();
    let mut target = shell.spawn().unwrap();
    target.send(SIGHUP).unwrap();
    assert_eq!(target.wait_for_end(DEADLINE).unwrap().code(), Some(128 + SIGHUP));
}

#[test]
fn it_has_the_threads_it_was_told_to() {
    let counts = [0, 5].map(|threads| {
        let target = Target::builder().threads(threads).spawn().unwrap();
        status_field(target.pid(), "Threads").parse::<u32>().unwrap()
    });
    assert_eq!(counts[1], counts[0] + 5);
}

#[test]
fn it_ends_after_its_time() {
    let mut target = Target::builder().exit_after(Duration::from_secs(1)).spawn().unwrap();
    assert!(target.wait_for_end(DEADLINE).unwrap().success());
}

#[test]
fn it_runs_as_another_user() {
    if !nix::unistd::geteuid().is_root() {
        return; // only root can
    }
    let target = Target::builder().user(4321, 4322).workers(1).spawn().unwrap();
    for pid in [target.pid(), target.workers()[0]] {
        assert_eq!(status_field(pid, "Uid"), "4321\t4321\t4321\t4321");
        assert_eq!(status_field(pid, "Gid"), "4322\t4322\t4322\t4322");
        assert_eq!(status_field(pid, "Groups"), "");
        let owner = fs::metadata(format!("/proc/{pid}/status")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), 4321);
    }
    target.send(SIGHUP).unwrap();
    target.wait_for_signals(1, DEADLINE);
}

#[test]
fn a_dropped_target_is_gone() {
    let target = Target::builder().workers(2).shell_parent().spawn().unwrap();
    let mut pids = target.workers();
    pids.extend([target.pid(), target.first_pid()]);
    drop(target);
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{pid}");
    }
}
