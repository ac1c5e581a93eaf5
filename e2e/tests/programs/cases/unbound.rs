//! Unbound: SIGHUP, and it reads its configuration again.

use std::net::Ipv4Addr;

use sidecar_testkit::kubelet::{Payload, payload};
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Pod, Row, Sidecar, Stream, change, dns, find, version};

const PORT: u16 = 53;
/// One more of them each time.
const NAMES: [&str; 4] = ["a.example", "b.example", "c.example", "d.example"];
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fn zone(names: &[&str]) -> Payload {
    let record = |name: &&str| format!("  local-data: \"{name}. A {ADDRESS}\"\n");
    let records: String = names.iter().map(record).collect();
    payload([("zone.conf", format!("server:\n  local-zone: \"example.\" static\n{records}"))])
}

fn lookup(name: &str) -> Option<Ipv4Addr> {
    dns::lookup(PORT, name).ok().flatten()
}

pub(crate) fn reloads() {
    let mut pod = Pod::new();
    let volume = pod.volume("unbound.conf.d", &zone(&NAMES[..1]));
    let main = format!(
        "server:
          interface: 127.0.0.1
          chroot: \"\"
          directory: {directory}
          pidfile: \"\"
          use-syslog: no
          module-config: iterator
        include-toplevel: {zones}/*.conf
        ",
        directory = pod.path("").display(),
        zones = volume.path().display(),
    );
    let main = pod.file("unbound.conf", &main);
    let program = find("unbound").unwrap();
    let mut command = pod.command(&program);
    pod.start(command.args(["-d", "-c"]).arg(main));
    wait::until(DEADLINE, "the first name", || lookup(NAMES[0]));
    let sidecar = Sidecar::start(&pod, &[volume.path()], "unbound", &[]);
    let last = NAMES[NAMES.len() - 1];
    assert_eq!(dns::lookup(PORT, last).unwrap(), None);
    let stream = Stream::start(1, || dns::lookup(PORT, NAMES[0]).map(drop));
    let change_to = |count: usize| {
        let name = NAMES[count - 1];
        change(&volume, &zone(&NAMES[..count]), || {
            wait::until(DEADLINE, name, || lookup(name));
        })
    };
    let took = (2..=NAMES.len()).map(change_to).collect();
    let after = lookup(last).unwrap();
    // It does not promise to answer all the time, and clients ask again.
    let traffic = stream.finish();
    let changed = format!("`{last}` no such name → {after}");
    Row::new(&version(&program, "-V"), &sidecar, took, changed).traffic(traffic).add();
}
