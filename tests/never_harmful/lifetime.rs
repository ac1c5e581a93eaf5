//! `EXIT_WITH_TARGET`: the sidecar of a Job ends when the Job is done, and not before.

use nix::libc::SIGKILL;
use sidecar_testkit::target::Target;

use crate::support::{DEADLINE, Sidecar, WakeUps, unique_name};
use crate::{Config, HUP, received};

/// A job with its sidecar, which has seen it.
struct Job {
    config: Config,
    name: String,
    target: Target,
    sidecar: Sidecar,
}

impl Job {
    fn new() -> Self {
        let (config, name) = (Config::new(), unique_name());
        let target = config.target(&name).spawn().unwrap();
        let sidecar = start(&config, &name);
        // The first look at the target comes right after the log is told that it is ready.
        WakeUps::when_idle(sidecar.pid());
        Self { config, name, target, sidecar }
    }

    #[track_caller]
    fn expect_end(&mut self) {
        expect_end(&mut self.sidecar);
    }
}

fn start(config: &Config, name: &str) -> Sidecar {
    config.sidecar(name).env("EXIT_WITH_TARGET", "true").spawn()
}

/// It ends with status 0 and says why.
#[track_caller]
fn expect_end(sidecar: &mut Sidecar) {
    assert_eq!(sidecar.wait_for_end(DEADLINE).code(), Some(0));
    assert_eq!(sidecar.log_lines(" over: the target is gone for good, and EXIT_WITH_TARGET is set").len(), 1);
}

/// Passes at least as much time as a sidecar takes that ends: until another one has ended.
#[track_caller]
fn pass_the_time_of_an_end() {
    let mut other = Job::new();
    other.target.kill().unwrap();
    other.expect_end();
}

/// Changes the configuration; the target gets it as signal number `count`.
#[track_caller]
fn expect_signal(config: &Config, target: &Target, count: usize) {
    config.change();
    target.wait_for_signals(count, DEADLINE);
    assert_eq!(received(target), vec![HUP; count]);
}

#[test]
fn it_ends_when_the_target_is_gone_for_good() {
    let mut job = Job::new();
    pass_the_time_of_an_end();
    assert!(job.sidecar.is_running(), "its target runs");
    expect_signal(&job.config, &job.target, 1);
    job.target.kill().unwrap();
    job.expect_end();
}

#[test]
fn it_ends_when_the_target_is_a_zombie() {
    let mut job = Job::new();
    job.target.send(SIGKILL).unwrap();
    job.expect_end();
}

/// Not even if a change can never be delivered any more.
#[test]
fn it_ends_with_a_change_pending() {
    let mut job = Job::new();
    job.target.kill().unwrap();
    job.config.change();
    job.sidecar.wait_for_log("pending digest=", DEADLINE);
    job.expect_end();
}

#[test]
fn it_waits_for_a_target_that_was_never_seen() {
    let (config, name) = (Config::new(), unique_name());
    let mut sidecar = start(&config, &name);
    pass_the_time_of_an_end();
    assert!(sidecar.is_running());
    let mut target = config.target(&name).spawn().unwrap();
    expect_signal(&config, &target, 1);
    // A look at the target is due each second; that it was taken is seen by the end.
    pass_the_time_of_an_end();
    assert!(sidecar.is_running());
    target.kill().unwrap();
    expect_end(&mut sidecar);
}

#[test]
fn it_stays_when_the_target_is_replaced_within_a_second() {
    let mut job = Job::new();
    for _ in 0..2 {
        job.target.kill().unwrap();
        job.target = job.config.target(&job.name).spawn().unwrap();
        pass_the_time_of_an_end();
        assert!(job.sidecar.is_running());
        expect_signal(&job.config, &job.target, 1);
    }
    job.target.kill().unwrap();
    job.expect_end();
}
