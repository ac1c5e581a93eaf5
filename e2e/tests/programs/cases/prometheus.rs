//! Prometheus: SIGHUP, and it reads its configuration again without closing anything.

use sidecar_testkit::kubelet::{Payload, payload};
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Pod, Row, Sidecar, Stream, change, find, http, version};

const PORT: u16 = 9090;
const CLIENTS: usize = 2;

fn config(interval: &str) -> Payload {
    payload([("prometheus.yml", format!("global:\n  scrape_interval: {interval}\n"))])
}

/// The setting as the running server has it.
fn interval() -> Option<String> {
    let config = http::get(PORT, "/api/v1/status/config").ok()?;
    let (_, value) = config.split_once("scrape_interval: ")?;
    Some(value.split('\\').next()?.to_owned())
}

pub(crate) fn reloads() {
    let mut pod = Pod::new();
    let volume = pod.volume("prometheus", &config("41s"));
    let program = find("prometheus").unwrap();
    let mut command = pod.command(&program);
    command.arg(format!("--config.file={}", volume.path().join("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", pod.path("tsdb").display()));
    pod.start(command.arg(format!("--web.listen-address=127.0.0.1:{PORT}")));
    let before = wait::until(DEADLINE, "the first configuration", interval);
    assert_eq!(before, "41s");
    let sidecar = Sidecar::start(&pod, &[volume.path()], "prometheus", &[]);
    let stream = Stream::start(CLIENTS, || http::get(PORT, "/-/healthy").map(drop));
    let change_to = |new: &str| {
        change(&volume, &config(new), || {
            wait::until(DEADLINE, new, || interval().filter(|now| now == new));
        })
    };
    let took = ["42s", "43s", "44s"].map(change_to).to_vec();
    let after = interval().unwrap();
    let traffic = stream.finish().expect_none_dropped();
    let changed = format!("`scrape_interval` {before} → {after}");
    Row::new(&version(&program, "--version"), &sidecar, took, changed).traffic(traffic).add();
}
