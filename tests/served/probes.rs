//! The probes: is the loop alive, and is everything delivered and watched?

use std::fs;
use std::io::{Read, Write};
use std::time::Duration;

use nix::sys::signal::Signal;
use sidecar_testkit::counter::Mode;
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::reloads::Hidden;
use crate::signals::NOBODY;
use crate::support::{DEADLINE, Sidecar, WATCHED, is_root, open_dir, plain_dir, unique_name};
use crate::{Config, Served, address_of, http, target};

/// What is hashed in a while.
const MANY_BYTES: usize = 8 * 1024 * 1024;

impl Served {
    /// Waits until it is ready; alive it is in any case.
    #[track_caller]
    fn expect_ready(&self) {
        wait::until(DEADLINE, "readiness", || (self.get("/readyz").status == 200).then_some(()));
        self.expect_alive();
        assert_eq!(self.get("/readyz").body, "ok\n");
    }

    /// Waits until it is not ready for this reason, in one line, while it is alive.
    #[track_caller]
    fn expect_unready(&self, reason: &str) {
        let answer = wait::until(DEADLINE, &format!("{reason:?}"), || {
            Some(self.get("/readyz")).filter(|answer| answer.body.contains(reason))
        });
        assert_eq!((answer.status, answer.body.lines().count()), (503, 1), "{answer:?}");
        assert!(answer.body.ends_with('\n'), "{answer:?}");
        assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
        self.expect_alive();
    }

    #[track_caller]
    fn expect_alive(&self) {
        let answer = self.get("/healthz");
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    }
}

#[test]
fn it_is_not_ready_without_a_target_for_a_change() {
    let (config, name) = (Config::new(), unique_name());
    let served = Served::watching(config.path(), &name);
    // There is none, but none is needed.
    served.expect_ready();
    config.change();
    served.expect_unready(&format!("a change is pending for 0s: no process is named {name:?}"));
    served.expect_unready("a change is pending for 1s: ");
    let _target = target(&name);
    served.expect_ready();
}

#[test]
fn it_is_not_ready_while_a_change_waits_for_a_delivery() {
    let hidden = Hidden::new();
    hidden.served.expect_ready();
    hidden.config.change();
    hidden.served.expect_unready("a change is pending for ");
    hidden.show();
    hidden.served.expect_ready();
    hidden.target.wait_for_signals(1, DEADLINE);
}

#[test]
fn it_is_not_ready_while_a_signal_is_held_back() {
    let (config, name) = (Config::new(), unique_name());
    let mut target = Target::builder().named(&name).mode(Mode::Default).spawn().unwrap();
    let served = Served::watching(config.path(), &name);
    served.expect_ready();
    config.change();
    served.expect_unready(&format!(": held back signal=SIGHUP from pid={} ", target.pid()));
    target.kill().unwrap();
    let _next = crate::target(&name);
    served.expect_ready();
}

#[test]
fn it_is_not_ready_while_the_kernel_refuses_the_signal() {
    assert!(is_root(), "this test needs processes of two users: run the tests as root");
    let (config, name) = (Config::new(), unique_name());
    let mut foreign = target(&name);
    let builder = Sidecar::builder().config_dir(config.path()).process_name(&name);
    let served = Served::start(builder.user(NOBODY, NOBODY));
    served.expect_ready();
    config.change();
    served.expect_unready("EPERM: the kernel does not let user 65534 signal it");
    foreign.kill().unwrap();
    let _own = Target::builder().named(&name).user(NOBODY, NOBODY).spawn().unwrap();
    served.expect_ready();
}

#[test]
fn it_is_not_ready_while_a_watched_path_is_missing() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    let served = Served::watching(&conf, &unique_name());
    served.expect_ready();
    let away = dir.path().join("away");
    fs::rename(&conf, &away).unwrap();
    served.expect_unready(&format!("{} is gone\n", conf.display()));
    // What else is wrong is on the same line.
    fs::rename(&away, &conf).unwrap();
    served.expect_ready();
    fs::write(conf.join("a.conf"), "2").unwrap();
    served.expect_unready("a change is pending");
    fs::rename(&conf, &away).unwrap();
    served.expect_unready(&format!("; {} is gone\n", conf.display()));
}

/// What answers is the loop, not a thread that lives on where the loop does not.
#[test]
fn it_is_alive_only_when_the_loop_runs() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    fs::write(conf.join("large"), vec![b'x'; MANY_BYTES]).unwrap();
    let builder = Sidecar::builder().config_dir(&conf).process_name(&unique_name());
    let mut sidecar = builder.env("LISTEN_ADDR", "127.0.0.1:0").spawn_unready();
    // It takes requests, and reads its configuration first.
    let address = address_of(&sidecar);
    // On a machine under load this may take longer than a connection has time.
    let ask = || http::try_exchange(address, b"GET /healthz HTTP/1.1\r\n\r\n");
    let answer = wait::until(DEADLINE, "an answer", ask);
    assert_eq!(answer.status, 200);
    assert_eq!(sidecar.log_lines(" ready ").len(), 1, "answered before the loop ran");
    sidecar.wait_ready();
}

#[test]
fn who_is_stopped_is_not_alive() {
    let config = Config::new();
    let served = Served::watching(config.path(), &unique_name());
    served.expect_alive();
    served.sidecar.send(Signal::SIGSTOP);
    let mut stream = http::connect(served.address);
    stream.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(WATCHED)).unwrap();
    assert!(stream.read(&mut [0]).is_err(), "an answer by whom?");
    served.sidecar.send(Signal::SIGCONT);
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert!(http::read(&mut stream).ends_with("\r\n\r\nok\n"));
}
