//! The Compose example, as it stands in the repository, with the images of this run.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::run::Run;
use serde_json::json;
use sidecar_testkit::counter::{Record, Signal, parse_records};
use sidecar_testkit::wait;
use tempfile::TempDir;
use testcontainers::bollard::query_parameters::ListContainersOptionsBuilder;

use super::{DEADLINE, log};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/compose");

/// A project that is up. It is taken down when this value is dropped.
pub(crate) struct Compose {
    run: &'static Run,
    command: Vec<&'static str>,
    dir: TempDir,
}

impl Compose {
    /// Brings the example up, with the counter by the name of `nginx` in place of nginx.
    pub(crate) fn up(run: &'static Run) -> Self {
        let command = compose_command();
        let dir = tempfile::tempdir_in(run.dir()).unwrap();
        copy_example(dir.path());
        let compose = Self { run, command, dir };
        let records = compose.records();
        fs::create_dir(records.parent().unwrap()).unwrap();
        fs::write(&records, "").unwrap();
        fs::set_permissions(&records, Permissions::from_mode(0o666)).unwrap();
        fs::write(compose.dir.path().join("override.json"), compose.changes().to_string()).unwrap();
        compose.call(&["up", "-d"]);
        compose
    }

    /// What differs from the example: images, and labels so that all of it is removed in every case.
    fn changes(&self) -> serde_json::Value {
        let (label, owner) = self.run.label();
        let labels = json!({ label: owner });
        let out = self.records().parent().unwrap().to_owned();
        json!({
            "services": {
                "app": {
                    "image": self.run.app.reference,
                    "entrypoint": ["/nginx"],
                    "command": ["--out", "/out/records.jsonl", "--read", "/etc/nginx/conf.d"],
                    "volumes": [format!("{}:/out:z", out.display())],
                    "labels": labels,
                },
                "sidecar": { "image": self.run.sidecar.reference, "labels": labels },
            },
            "networks": { "default": { "labels": labels } },
        })
    }

    fn project(&self) -> String {
        format!("e2e{}", self.run.id())
    }

    fn records(&self) -> PathBuf {
        self.dir.path().join("out/records.jsonl")
    }

    /// The configuration that both services mount.
    pub(crate) fn conf(&self) -> PathBuf {
        self.dir.path().join("conf")
    }

    /// Runs a subcommand.
    #[track_caller]
    pub(crate) fn call(&self, args: &[&str]) {
        let output = self.prepared().args(args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?} {args:?}: {error}", self.command);
    }

    fn prepared(&self) -> Command {
        let mut command = Command::new(self.command[0]);
        command.args(&self.command[1..]).current_dir(self.dir.path()).stdin(Stdio::null());
        command.args(["-p", &self.project(), "-f", "compose.yaml", "-f", "override.json"]);
        // Any port that is free.
        command.env("APP_PORT", "0");
        command
    }

    /// Waits until `count` lines of the sidecar's log hold `text`.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str, count: usize) {
        let project = format!("com.docker.compose.project={}", self.project());
        let labels = vec![project, "com.docker.compose.service=sidecar".to_owned()];
        let options =
            ListContainersOptionsBuilder::new().all(true).filters(&[("label", labels)].into()).build();
        let engine = self.run.engine();
        let sidecar = engine.wait(engine.docker().list_containers(Some(options))).unwrap();
        log::wait_for(self.run, sidecar[0].id.as_deref().unwrap(), text, count);
    }

    /// Waits for as many SIGHUPs, and checks that there are no others by then; gives the last.
    #[track_caller]
    pub(crate) fn expect_reloads(&self, count: usize) -> Signal {
        let reloads = || {
            let records = parse_records(&fs::read_to_string(self.records()).unwrap());
            let signal = |record| match record {
                Record::Signal(signal) if signal.signal == 1 => Some(signal),
                _ => None,
            };
            Some(records.into_iter().filter_map(signal).collect::<Vec<_>>())
        };
        let what = format!("{count} reloads");
        let found = wait::until(DEADLINE, &what, || reloads().filter(|found| found.len() >= count));
        assert_eq!(found.len(), count);
        found.last().unwrap().clone()
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        // What is left then is removed at the end of the run.
        let _ = self.prepared().args(["down", "--volumes"]).output();
    }
}

/// The Compose plugin of `docker`, or the program of its own.
fn compose_command() -> Vec<&'static str> {
    let answers = |command: &Vec<&str>| {
        let output = Command::new(command[0]).args(&command[1..]).arg("version").output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = [vec!["docker", "compose"], vec!["docker-compose"]].into_iter().find(answers);
    found.expect(
        "neither `docker compose` nor `docker-compose` is there; install Docker Compose for this test",
    )
}

fn copy_example(to: &Path) {
    let mut left = vec![OsString::new()];
    while let Some(name) = left.pop() {
        let (source, target) = (Path::new(EXAMPLE).join(&name), to.join(&name));
        if source.is_dir() {
            fs::create_dir_all(&target).unwrap();
            let entries = source.read_dir().unwrap();
            left.extend(entries.map(|entry| Path::new(&name).join(entry.unwrap().file_name()).into()));
        } else {
            fs::copy(source, target).unwrap();
        }
    }
}
