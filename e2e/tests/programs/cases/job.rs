//! A Job: a script that reads its configuration again upon SIGHUP, and ends when that says so. The sidecar must
//! end too, or the Job would never be complete.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use sidecar_testkit::kubelet::{Payload, payload};
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Pod, Row, Sidecar, change};

const NAME: &str = "import-job";
/// It waits in the background, as a shell handles no signal while it waits for a program in the foreground.
const SCRIPT: &str = r#"#!/bin/sh
read_config() { command=$(cat "$1/command"); echo "$command" >>"$2"; }
trap 'read_config "$@"' HUP
read_config "$@"
until [ "$command" = stop ]; do sleep 60 & wait $!; done
"#;

fn command(command: &str) -> Payload {
    payload([("command", command)])
}

pub(crate) fn ends() {
    let mut pod = Pod::new();
    let volume = pod.volume("job", &command("import"));
    let script = pod.file(NAME, SCRIPT);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let seen = pod.path("seen");
    let mut job = pod.command(&script);
    pod.start(job.arg(volume.path()).arg(&seen));
    let wait_for = |expected: &[&str]| {
        wait::until(DEADLINE, &format!("{expected:?} to be seen"), || {
            let seen = fs::read_to_string(&seen).ok()?;
            seen.lines().eq(expected.iter().copied()).then_some(())
        });
    };
    wait_for(&["import"]);
    let mut sidecar = Sidecar::start(&pod, &[volume.path()], NAME, &[("EXIT_WITH_TARGET", "true")]);

    let commands = ["import", "verify", "stop"];
    let change_to =
        |count: usize| change(&volume, &command(commands[count - 1]), || wait_for(&commands[..count]));
    let took = (2..=commands.len()).map(change_to).collect();
    let begin = Instant::now();
    let status = sidecar.wait_for_end();
    assert_eq!(status.code(), Some(0), "{status}");
    let ended = begin.elapsed().as_millis();
    let changed = format!(
        "`command` {}; the job ends, and the sidecar {ended} ms later: {status}",
        commands.join(" → ")
    );
    Row::new("", &sidecar, took, changed).add();
}
