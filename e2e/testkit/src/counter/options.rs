//! What a counter is to do.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::prelude::{Long, ValueExt};
use serde::{Deserialize, Serialize};

use super::record::Role;

/// The name of the stand-in for a shell.
const PARENT_NAME: &str = "parent";

/// How a counter treats signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// With a handler: they show in `SigCgt`.
    #[default]
    Catch,
    /// Blocked and read from a signalfd: they show in `SigBlk`.
    Signalfd,
    /// Ignored, all but SIGTERM: they show in `SigIgn`.
    Ignore,
    /// Left at their default action, which ends the process for most of them.
    Default,
}

/// A user and group to run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's ID.
    pub uid: u32,
    /// The group's ID.
    pub gid: u32,
}

impl FromStr for User {
    type Err = std::num::ParseIntError;

    /// `UID` or `UID:GID`; the group of `UID` alone has the same number.
    fn from_str(text: &str) -> Result<User, Self::Err> {
        let (uid, gid) = text.split_once(':').unwrap_or((text, text));
        Ok(User { uid: uid.parse()?, gid: gid.parse()? })
    }
}

/// The options of a counter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// `--read PATH`, repeatable: configuration to read at each signal.
    pub read: Vec<PathBuf>,
    /// `--out FILE`: append the lines there instead of writing them to the standard output.
    pub out: Option<PathBuf>,
    /// `--no-handler`, `--ignore` or `--signalfd`.
    pub mode: Mode,
    /// `--handler-delay MS`: leave the default actions in place for so long.
    pub handler_delay_ms: u64,
    /// `--workers N`: start so many children that count too and die with their parent.
    pub workers: u32,
    /// `--worker-title TITLE`: the `argv[0]` of workers.
    pub worker_title: Option<String>,
    /// `--comm NAME`: the name that the kernel keeps.
    pub comm: Option<String>,
    /// `--title TITLE`: the `argv[0]`, and the whole command line.
    pub title: Option<String>,
    /// `--user UID[:GID]`.
    pub user: Option<User>,
    /// `--shell-parent`: be a process named `parent` that waits for the counter, its only child.
    pub shell_parent: bool,
    /// `--program PATH`: the executable of that child, where it must have another name.
    pub program: Option<PathBuf>,
    /// `--threads N`: so many idle threads.
    pub threads: u32,
    /// `--use-up-inotify`: hold all inotify instances that its user can have.
    pub use_up_inotify: bool,
    /// `--exit-after MS`: end with status 0 so long after the start.
    pub exit_after_ms: Option<u64>,
    /// `--until-stdin-closes`: end with status 0 at the end of the standard input, so never outlive
    /// the process that holds its other end.
    pub until_stdin_closes: bool,
    /// What the command line shows after `argv[0]` if there is no title; no flag.
    pub args: Vec<String>,
    /// What this process is for; no flag.
    pub role: Role,
    /// The process to die with; no flag.
    pub parent: Option<i32>,
}

impl Options {
    /// Parses the arguments of a command line.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Options, lexopt::Error> {
        let mut options = Options::default();
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(argument) = parser.next()? {
            let Long(name) = argument else {
                return Err(argument.unexpected());
            };
            let name = name.to_owned();
            options.set(&name, &mut parser)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<(), lexopt::Error> {
        match name {
            "read" => self.read.push(parser.value()?.into()),
            "out" => self.out = Some(parser.value()?.into()),
            "no-handler" => self.mode = Mode::Default,
            "ignore" => self.mode = Mode::Ignore,
            "signalfd" => self.mode = Mode::Signalfd,
            "handler-delay" => self.handler_delay_ms = parser.value()?.parse()?,
            "workers" => self.workers = parser.value()?.parse()?,
            "worker-title" => self.worker_title = Some(parser.value()?.string()?),
            "comm" => self.comm = Some(parser.value()?.string()?),
            "title" => self.title = Some(parser.value()?.string()?),
            "user" => self.user = Some(parser.value()?.parse()?),
            "shell-parent" => self.shell_parent = true,
            "program" => self.program = Some(parser.value()?.into()),
            "threads" => self.threads = parser.value()?.parse()?,
            "use-up-inotify" => self.use_up_inotify = true,
            "exit-after" => self.exit_after_ms = Some(parser.value()?.parse()?),
            "until-stdin-closes" => self.until_stdin_closes = true,
            other => return Err(Long(other).unexpected()),
        }
        Ok(())
    }

    /// Must this process start itself anew to get its name?
    pub(super) fn needs_other_name(&self) -> bool {
        match self.role {
            Role::Parent => false, // a title is the child's
            _ => self.shell_parent || self.title.is_some(),
        }
    }

    /// The `argv[0]` to start anew with, and the options then.
    pub(super) fn under_other_name(mut self) -> (String, Options) {
        self.user = None;
        if self.shell_parent {
            self.role = Role::Parent;
            return (PARENT_NAME.to_owned(), self);
        }
        self.args.clear();
        (self.title.take().unwrap_or_default(), self)
    }

    /// The name that the kernel shall keep.
    pub(super) fn comm(&self) -> Option<&str> {
        match self.role {
            Role::Parent => Some(PARENT_NAME),
            _ => self.comm.as_deref(),
        }
    }

    /// The options of the child of this process, which is a stand-in for a shell.
    pub(super) fn for_child(&self) -> Options {
        Options { shell_parent: false, role: Role::Main, parent: Some(own_pid()), ..self.clone() }
    }

    /// The options of a worker of this process.
    pub(super) fn for_worker(&self, number: u32) -> Options {
        Options {
            workers: 0,
            title: self.worker_title.clone(),
            user: None,
            use_up_inotify: false,
            exit_after_ms: None,
            until_stdin_closes: false,
            role: Role::Worker(number),
            parent: Some(own_pid()),
            ..self.clone()
        }
    }
}

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}
