//! PostgreSQL: SIGHUP to the postmaster, which passes it on to its children.

use sidecar_testkit::kubelet::{Payload, payload};
use sidecar_testkit::wait;

use crate::support::postgres::{self, LOGIN};
use crate::support::{DEADLINE, Pod, Row, Sidecar, Stream, change, find, version};

const SHOW: &str = "show work_mem";

fn settings(work_mem: &str) -> Payload {
    let settings =
        format!("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nwork_mem = {work_mem}\n");
    payload([("postgresql.conf", settings)])
}

pub(crate) fn reloads() {
    let mut pod = Pod::new();
    let volume = pod.volume("postgresql", &settings("5MB"));
    postgres::start(&mut pod, &volume.path().join("postgresql.conf"));
    let sidecar = Sidecar::start(&pod, &[volume.path()], "postgres", &[]);
    let mut session = LOGIN.open();
    let before = session.ask(SHOW);
    assert_eq!(before, "5MB");
    let backend = session.ask("select pg_backend_pid()");
    let stream = Stream::start(1, || LOGIN.ask(SHOW).map(drop));
    let change_to = |new: &str| {
        change(&volume, &settings(new), || {
            wait::until(DEADLINE, "a new session", || LOGIN.ask(SHOW).ok().filter(|now| now == new));
            wait::until(DEADLINE, "the open session", || Some(session.ask(SHOW)).filter(|now| now == new));
        })
    };
    let took = ["6MB", "7MB", "8MB"].map(change_to).to_vec();
    let after = session.ask(SHOW);
    let traffic = stream.finish().expect_none_dropped();
    assert_eq!(session.ask("select pg_backend_pid()"), backend);
    let changed = format!("`work_mem` {before} → {after}, also in the open session");
    let version = version(&find("postgres").unwrap(), "--version");
    Row::new(&version, &sidecar, took, changed).survived("an open session").traffic(traffic).add();
}
