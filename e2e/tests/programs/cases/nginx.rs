//! nginx: SIGHUP to the master, which starts new workers and lets the old ones finish.

use sidecar_testkit::kubelet::{Payload, payload};

use super::web::{STEADY_PORT, Web, port};
use crate::support::{Pod, find, held::BACKEND_PORT, version};

/// A port of its own in a file of its own, so that each change adds a key and removes one.
fn sites(_: &Pod, number: u16) -> Payload {
    let own = port(number);
    let site = |port: u16| {
        format!(
            "server {{
                listen 127.0.0.1:{port};
                location / {{ return 200 {number}; }}
                location /held {{ proxy_pass http://127.0.0.1:{BACKEND_PORT}; proxy_buffering off; }}
            }}"
        )
    };
    payload([("steady.conf".to_owned(), site(STEADY_PORT)), (format!("own-{own}.conf"), site(own))])
}

pub(crate) fn reloads() {
    let mut pod = Pod::new();
    let volume = pod.volume("conf.d", &sites(&pod, 1));
    let main = format!(
        "daemon off;
        worker_processes auto;
        pid {pid};
        events {{}}
        http {{
            access_log off;
            include {sites}/*.conf;
        }}",
        pid = pod.path("nginx.pid").display(),
        sites = volume.path().display(),
    );
    let main = pod.file("nginx.conf", &main);
    let program = find("nginx").unwrap();
    let mut command = pod.command(&program);
    pod.start(command.arg("-c").arg(main).args(["-e", "stderr"]));
    let version = version(&program, "-v");
    Web { pod, volume, payload: sites, version, process_name: "nginx", settings: &[] }.reload();
}
