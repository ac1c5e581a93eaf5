//! A database server in a pod.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use nix::unistd::User;
use sidecar_testkit::wait;

use super::psql::Login;
use super::{DEADLINE, Pod, find};

/// Whom the Debian package makes for it; it refuses to run as root.
pub(crate) const USER: &str = "postgres";

/// Its superuser, who needs no password.
pub(crate) const LOGIN: Login = Login { port: 5432, user: USER, password: "", database: "postgres" };

/// Makes a database cluster, and starts the server on it with this file of settings.
#[track_caller]
pub(crate) fn start(pod: &mut Pod, settings: &Path) {
    let data = pod.path("data");
    let user = User::from_name(USER).unwrap().unwrap();
    fs::create_dir(&data).unwrap();
    chown(&data, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    let mut initdb = pod.command_as(USER, &find("initdb").unwrap());
    initdb.args(["--auth=trust", "--no-sync", "--pgdata"]).arg(&data);
    let output = initdb.current_dir("/").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut server = pod.command_as(USER, &find("postgres").unwrap());
    server.arg("-D").arg(&data).arg("-c").arg(format!("config_file={}", settings.display()));
    pod.start(server.current_dir("/"));
    wait::until(DEADLINE, "the database server", || LOGIN.ask("select 1").ok());
}
