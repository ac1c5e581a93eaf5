//! Writes the records.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::libc::SIGTERM;

use super::config;
use super::record::{Process, Record, Role, Signal};
use super::signals::Caught;
use crate::clock;

/// Where the lines go; several processes can share the file.
pub(super) struct Output {
    file: File,
    role: Role,
}

impl Output {
    pub(super) fn open(path: Option<&Path>, role: Role) -> io::Result<Output> {
        let file = match path {
            Some(path) => OpenOptions::new().append(true).create(true).open(path)?,
            None => File::from(io::stdout().as_fd().try_clone_to_owned()?),
        };
        Ok(Output { file, role })
    }

    pub(super) fn try_clone(&self) -> io::Result<Output> {
        Ok(Output { file: self.file.try_clone()?, role: self.role })
    }

    /// This process, now.
    pub(super) fn process(&self) -> Process {
        Process { ns: clock::now(), pid: pid(), role: self.role }
    }

    /// Writes a line with one system call, so that lines of several processes do not mix.
    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        (&self.file).write_all(&line)
    }
}

/// Makes records of signals.
pub(super) struct Recorder {
    output: Output,
    read: Vec<PathBuf>,
    counts: BTreeMap<i32, u64>,
}

impl Recorder {
    pub(super) fn new(output: Output, read: Vec<PathBuf>) -> Recorder {
        Recorder { output, read, counts: BTreeMap::new() }
    }

    /// Records what `source` gives; ends the process after a SIGTERM.
    pub(super) fn run(
        mut self,
        mut source: impl FnMut() -> io::Result<Caught>,
    ) -> Result<Infallible, io::Error> {
        loop {
            let caught = source()?;
            self.record(caught)?;
            if caught.signal == SIGTERM {
                std::process::exit(0);
            }
        }
    }

    fn record(&mut self, caught: Caught) -> io::Result<()> {
        let count = self.counts.entry(caught.signal).or_default();
        *count += 1;
        let files = config::read(&self.read);
        self.output.write(&Record::Signal(Signal {
            ns: caught.ns,
            pid: pid(),
            role: self.output.role,
            sender: caught.sender,
            signal: caught.signal,
            count: *count,
            files,
            read_by: clock::now(),
        }))
    }
}

fn pid() -> i32 {
    std::process::id().cast_signed()
}
