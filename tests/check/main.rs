//! `config-reloader-sidecar check`: what it finds in real directories and processes, and that each mend is one.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod arguments;
mod handling;
mod limits;
mod namespace;
mod output;
mod paths;
mod rights;
mod sub_path;
#[path = "../support/mod.rs"]
mod support;
mod targets;

use serde_json::Value;
use sidecar_testkit::target::Target;
use tempfile::TempDir;

use support::{Builder, Sidecar, open_dir, plain_dir, unique_name};

/// A user without rights.
const NOBODY: u32 = 65534;

/// A pod with nothing wrong: a directory with a file, and a target that handles its signals.
struct Pod {
    dir: TempDir,
    name: String,
    target: Target,
}

impl Pod {
    fn new() -> Self {
        Self::with(|target| target)
    }

    fn with(set: impl FnOnce(sidecar_testkit::target::Builder) -> sidecar_testkit::target::Builder) -> Self {
        let (dir, name) = (open_dir(), unique_name());
        plain_dir(dir.path(), &[("a.conf", "1")]);
        let target = set(Target::builder().named(&name)).spawn().unwrap();
        Self { dir, name, target }
    }

    /// A check of it.
    fn check(&self) -> Builder {
        Sidecar::builder().config_dir(self.dir.path()).process_name(&self.name).arg("check")
    }

    /// What it finds.
    #[track_caller]
    fn found(&self) -> Found {
        found(self.check())
    }

    /// The target as a problem names it.
    fn title(&self) -> String {
        format!("pid {} ({})", self.target.pid(), self.name)
    }
}

/// What a check found.
struct Found {
    status: i32,
    json: Value,
}

/// Runs a check, which must write nothing but its findings, and end with the status that they ask for.
#[track_caller]
fn found(check: Builder) -> Found {
    let ended = check.arg("--output=json").run();
    assert_eq!(ended.log, "", "nothing is logged");
    let found = Found {
        status: ended.status.code().unwrap(),
        json: serde_json::from_str(&ended.output).unwrap_or_else(|e| panic!("{e}: {}", ended.output)),
    };
    assert_eq!(found.json["ok"], found.status == 0, "{}", found.json);
    assert_eq!(found.codes("wrong").is_empty(), found.status == 0, "{}", found.json);
    found
}

impl Found {
    fn problems(&self) -> &Vec<Value> {
        self.json["problems"].as_array().unwrap()
    }

    /// The codes of the problems of this severity.
    fn codes(&self, severity: &str) -> Vec<&str> {
        let problems = self.problems().iter().filter(|problem| problem["severity"] == severity);
        problems.map(|problem| problem["code"].as_str().unwrap()).collect()
    }

    /// The only problem, which must be this one.
    #[track_caller]
    fn only(&self, code: &str) -> Said<'_> {
        assert_eq!(self.problems().len(), 1, "{:#}", self.json["problems"]);
        assert_eq!(self.problems()[0]["code"], code, "{:#}", self.json["problems"]);
        Said(&self.problems()[0])
    }

    /// The only problem, by which the status is 1.
    #[track_caller]
    fn wrong(&self, code: &str) -> Said<'_> {
        let said = self.only(code);
        assert_eq!((self.status, said.0["severity"].as_str()), (1, Some("wrong")), "{}", self.json);
        said
    }

    /// The only problem, by which the status is 0.
    #[track_caller]
    fn warning(&self, code: &str) -> Said<'_> {
        let said = self.only(code);
        assert_eq!((self.status, said.0["severity"].as_str()), (0, Some("warning")), "{}", self.json);
        said
    }

    /// Nothing is wrong.
    #[track_caller]
    fn ok(&self) {
        assert_eq!(self.problems().len(), 0, "{:#}", self.json["problems"]);
        assert_eq!(self.status, 0);
    }

    fn facts(&self, section: &str) -> &Value {
        &self.json["facts"][section]
    }
}

/// What is said of a problem.
struct Said<'a>(&'a Value);

impl Said<'_> {
    /// What is wrong must begin so.
    #[track_caller]
    fn what(&self, start: &str) -> &Self {
        assert!(self.0["what"].as_str().unwrap().starts_with(start), "{} is not {start}", self.0);
        self
    }

    /// Its mend must have this in it.
    #[track_caller]
    fn mend(&self, part: &str) -> &Self {
        assert!(self.0["mend"].as_str().unwrap().contains(part), "{} lacks {part}", self.0);
        self
    }
}
