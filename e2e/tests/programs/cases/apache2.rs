//! Apache: SIGUSR1 ("graceful") to the parent, whose children finish what they have begun.

use sidecar_testkit::kubelet::{Payload, payload};

use super::web::{CONFIGURATIONS, STEADY_PORT, Web, port};
use crate::support::{Pod, find, held::BACKEND_PORT, version};

/// Where Debian puts the modules.
const MODULES: &str = "/usr/lib/apache2/modules";

fn sites(pod: &Pod, number: u16) -> Payload {
    let (own, pages) = (port(number), pod.path(&number.to_string()));
    let config = format!(
        "Listen 127.0.0.1:{STEADY_PORT}
        Listen 127.0.0.1:{own}
        DocumentRoot {}
        ",
        pages.display()
    );
    payload([("site.conf", config)])
}

pub(crate) fn reloads() {
    in_pod(Web::reload);
}

pub(crate) fn reloads_twice() {
    in_pod(Web::reload_twice);
}

fn in_pod(case: fn(&Web)) {
    let mut pod = Pod::new();
    for number in 1..=CONFIGURATIONS {
        pod.file(&format!("{number}/index.html"), &number.to_string());
    }
    let volume = pod.volume("sites-enabled", &sites(&pod, 1));
    let main = format!(
        "ServerName localhost
        DefaultRuntimeDir {run}
        PidFile {run}/apache2.pid
        User www-data
        Group www-data
        ErrorLog /dev/stderr
        LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
        LoadModule authz_core_module {MODULES}/mod_authz_core.so
        LoadModule dir_module {MODULES}/mod_dir.so
        LoadModule proxy_module {MODULES}/mod_proxy.so
        LoadModule proxy_http_module {MODULES}/mod_proxy_http.so
        DirectoryIndex index.html
        ProxyPass /held http://127.0.0.1:{BACKEND_PORT}/held flushpackets=on
        IncludeOptional {sites}/*.conf
        ",
        run = pod.path("").display(),
        sites = volume.path().display(),
    );
    let main = pod.file("apache2.conf", &main);
    let program = find("apache2").unwrap();
    let mut command = pod.command(&program);
    pod.start(command.arg("-f").arg(main).arg("-DFOREGROUND"));
    let version = version(&program, "-v");
    let settings = &[("RELOAD_SIGNAL", "SIGUSR1")];
    case(&Web { pod, volume, payload: sites, version, process_name: "apache2", settings });
}
