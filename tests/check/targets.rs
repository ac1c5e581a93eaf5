//! The process table as the selection sees it.

use std::fs;

use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Sidecar, unique_name};
use crate::{Pod, found};

#[test]
fn a_mistyped_name_is_mended_by_the_closest_one() {
    let pod = Pod::with(|target| target.title("x"));
    let (start, end) = pod.name.split_at(pod.name.len() - 1);
    let typo = format!("{start}x{end}");
    let wrong = found(pod.check().process_name(&typo));
    let closest = format!("no process is named {typo:?}; there are: {} (pid {})", pod.name, pod.target.pid());
    wrong.wrong("no-match").what(&closest).mend(&format!("set PROCESS_NAME={}", pod.name));
    assert_eq!(wrong.facts("processes")["closest"][0]["name"], pod.name);
    assert!(wrong.facts("processes")["closest"].as_array().unwrap().len() <= 5);
    pod.found().ok();
}

#[test]
fn a_master_is_chosen_and_its_workers_say_why_they_are_not() {
    let pod = Pod::with(|target| target.workers(2));
    let found = pod.found();
    found.ok();
    let matches = found.facts("processes")["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 3);
    for one in matches {
        let chosen = one["pid"] == pod.target.pid();
        assert_eq!((&one["chosen"], &one["by"]), (&chosen.into(), &"argv[0]".into()));
        let why = one["why_not"].as_str().unwrap_or_default();
        assert_eq!(why.is_empty(), chosen);
        assert!(chosen || why == "a process above it matches (PROCESS_SELECT=root)", "{why}");
    }
    assert_eq!(found.facts("signal")["targets"].as_array().unwrap().len(), 1);
}

#[test]
fn a_zombie_is_a_near_miss() {
    let mut pod = Pod::new();
    pod.target.send(9).unwrap();
    let state = || fs::read_to_string(format!("/proc/{}/stat", pod.target.pid())).unwrap();
    wait::until(DEADLINE, "the zombie", || state().contains(") Z ").then_some(()));
    let found = pod.found();
    let why = "because it has ended, and its parent does not reap it (zombie)";
    found.wrong("no-match").what(&format!(
        "no process is named {:?}; {} (pid {}) is none, {why}",
        pod.name,
        pod.name,
        pod.target.pid()
    ));
    assert_eq!(found.facts("processes")["near_misses"][0]["pid"], pod.target.pid());
    pod.target = Target::builder().named(&pod.name).spawn().unwrap();
    pod.found().ok();
}

#[test]
fn a_name_in_other_case_is_a_near_miss() {
    let pod = Pod::new();
    let upper = pod.name.to_uppercase();
    let wrong = found(pod.check().process_name(&upper));
    wrong.wrong("no-match").mend(&format!("set PROCESS_NAME={}", pod.name));
    assert_eq!(wrong.facts("processes")["near_misses"][0]["why_not"], "upper and lower case differ");
}

#[test]
fn a_running_sidecar_and_the_check_itself_are_no_targets() {
    let pod = Pod::new();
    let sidecar = Sidecar::builder().config_dir(pod.dir.path()).process_name(&pod.name).spawn();
    let wrong = found(pod.check().process_name("config-reloader-sidecar"));
    // Copies of the program that run for other tests are other programs, and the check itself is none.
    let pids = |found: &str| -> Vec<(i64, String)> {
        let of = |one: &serde_json::Value| (one["pid"].as_i64().unwrap(), one["why_not"].to_string());
        wrong.facts("processes")[found].as_array().unwrap().iter().map(of).collect()
    };
    let own = wrong.facts("pid_namespace")["own_pid"].as_i64().unwrap();
    let running = i64::from(sidecar.pid());
    assert!(pids("matches").iter().all(|(pid, _)| *pid != own && *pid != running));
    assert!(pids("near_misses").contains(&(own, "\"it is the sidecar itself\"".to_owned())));
    assert!(pids("near_misses").iter().all(|(pid, _)| *pid != running));
    pod.found().ok();
}

#[test]
fn another_program_of_the_sidecars_name_is_a_target() {
    let pod = Pod::with(|target| target.named("config-reloader-sidecar"));
    let found = found(pod.check().process_name("config-reloader-sidecar"));
    let matches = found.facts("processes")["matches"].as_array().unwrap();
    assert!(matches.iter().any(|one| one["pid"] == pod.target.pid() && one["chosen"] == true), "{matches:?}");
}

#[test]
fn a_pid_file_is_mended_by_what_is_in_it() {
    let pod = Pod::new();
    let file = pod.dir.path().with_extension("pid");
    let check = || {
        let check = Sidecar::builder().config_dir(pod.dir.path()).arg("check");
        found(check.env("PROCESS_PID_FILE", &file))
    };
    check().wrong("pid-file").what("cannot read PID file").mend("PROCESS_PID_FILE");
    fs::write(&file, "").unwrap();
    check().wrong("pid-file").mend("has to write its PID");
    fs::write(&file, i32::MAX.to_string()).unwrap();
    check().wrong("pid-file").what("PID file").mend("stale");
    let other = Sidecar::builder().config_dir(pod.dir.path()).process_name(&unique_name()).spawn();
    fs::write(&file, other.pid().to_string()).unwrap();
    check().wrong("pid-file").mend("share it");
    fs::write(&file, pod.target.pid().to_string()).unwrap();
    let found = check();
    found.ok();
    assert_eq!(found.facts("processes")["matches"][0]["by"], "PID file");
    fs::remove_file(&file).unwrap();
}
