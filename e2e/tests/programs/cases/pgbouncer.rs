//! PgBouncer: SIGHUP, with settings in a ConfigMap and users in a Secret.

use std::path::Path;
use std::time::Duration;

use sidecar_testkit::kubelet::{Payload, Volume, payload};
use sidecar_testkit::wait;

use crate::support::postgres::{self, LOGIN};
use crate::support::psql::Login;
use crate::support::{DEADLINE, Pod, Row, Sidecar, Stream, change, find, version};

const NAME: &str = "pgbouncer";
const ADMIN: Login = Login { port: 6432, user: "admin", password: "secret", database: "pgbouncer" };
const OLD_USER: Login = Login { user: "old", database: "app", ..ADMIN };
const NEW_USER: Login = Login { user: "new", ..OLD_USER };

const DATABASE: &str = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\n";

fn settings(users: &Path, pool_size: &str) -> Payload {
    let settings = format!(
        "[databases]
app = host=127.0.0.1 port={port} dbname={database} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}/userlist.txt
admin_users = {admin}
default_pool_size = {pool_size}
",
        port = LOGIN.port,
        database = LOGIN.database,
        user = LOGIN.user,
        own_port = ADMIN.port,
        users = users.display(),
        admin = ADMIN.user,
    );
    payload([("pgbouncer.ini", settings)])
}

fn users(logins: &[Login]) -> Payload {
    let line = |login: &Login| format!("\"{}\" \"{}\"\n", login.user, login.password);
    payload([("userlist.txt", logins.iter().map(line).collect::<String>())])
}

/// The setting as the running pooler has it.
fn pool_size() -> Option<String> {
    let config = ADMIN.ask("show config").ok()?;
    let line = config.lines().find_map(|line| line.strip_prefix("default_pool_size|"))?;
    Some(line.split('|').next()?.to_owned())
}

/// Starts it as the user who is made for it, and its database.
fn start(pod: &mut Pod, config: &Volume) {
    let database = pod.file("postgresql.conf", DATABASE);
    postgres::start(pod, &database);
    let mut command = pod.command_as(postgres::USER, &find(NAME).unwrap());
    pod.start(command.arg(config.path().join("pgbouncer.ini")));
}

/// Gives how long each change took, the first that of a setting, the second that of the users.
fn change_both(config: &Volume, secret: &Volume, sidecar: &Sidecar) -> Vec<Duration> {
    let refused = NEW_USER.ask("select 1").unwrap_err();
    assert!(refused.contains("authentication failed"), "{refused}");
    let setting = change(config, &settings(secret.path(), "6"), || {
        wait::until(DEADLINE, "the new setting", || pool_size().filter(|now| now == "6"));
    });
    sidecar.expect_sent(1);
    let user = change(secret, &users(&[ADMIN, OLD_USER, NEW_USER]), || {
        wait::until(DEADLINE, "the new user", || NEW_USER.ask("select 1").ok());
    });
    vec![setting, user]
}

pub(crate) fn reloads() {
    let mut pod = Pod::new();
    let secret = pod.volume("users", &users(&[ADMIN, OLD_USER]));
    let config = pod.volume("pgbouncer", &settings(secret.path(), "5"));
    start(&mut pod, &config);
    let before = wait::until(DEADLINE, "the first configuration", pool_size);
    let sidecar = Sidecar::start(&pod, &[config.path(), secret.path()], NAME, &[]);
    let mut session = OLD_USER.open();
    let backend = session.ask("select pg_backend_pid()");
    let stream = Stream::start(1, || OLD_USER.ask("select 1").map(drop));
    let took = change_both(&config, &secret, &sidecar);
    let traffic = stream.finish().expect_none_dropped();
    assert_eq!(session.ask("select pg_backend_pid()"), backend);
    let (after, user) = (pool_size().unwrap(), NEW_USER.user);
    let changed = format!("`default_pool_size` {before} → {after}; user `{user}`: refused → logs in");
    let version = version(&find(NAME).unwrap(), "--version");
    Row::new(&version, &sidecar, took, changed).survived("an open session").traffic(traffic).add();
}
