//! HAProxy: SIGUSR2 to the master, which executes itself anew and gets the listening sockets from the old worker.

use sidecar_testkit::kubelet::{Payload, payload};

use super::web::{STEADY_PORT, Web, port};
use crate::support::{Pod, find, held::BACKEND_PORT, version};

fn frontends(_: &Pod, number: u16) -> Payload {
    let own = port(number);
    let config = format!(
        "defaults
            mode http
            timeout connect 5s
            timeout client 1m
            timeout server 1m
        frontend web
            bind 127.0.0.1:{STEADY_PORT}
            bind 127.0.0.1:{own}
            http-request return status 200 content-type text/plain string {number} unless {{ path /held }}
            default_backend held
        backend held
            server held 127.0.0.1:{BACKEND_PORT}
"
    );
    payload([("haproxy.cfg", config)])
}

pub(crate) fn reloads() {
    in_pod(Web::reload);
}

pub(crate) fn reloads_twice() {
    in_pod(Web::reload_twice);
}

fn in_pod(case: fn(&Web)) {
    let mut pod = Pod::new();
    let volume = pod.volume("haproxy", &frontends(&pod, 1));
    let program = find("haproxy").unwrap();
    let mut command = pod.command(&program);
    pod.start(command.args(["-W", "-db", "-f"]).arg(volume.path().join("haproxy.cfg")));
    let version = version(&program, "-v");
    let settings = &[("RELOAD_SIGNAL", "SIGUSR2")];
    case(&Web { pod, volume, payload: frontends, version, process_name: "haproxy", settings });
}
