//! The lines of the output.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Nanos;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Record {
    /// The process runs; all signals have their default action.
    Started(Process),
    /// The process handles signals in the way it was told to; one that never does has no such line.
    Ready(Process),
    /// A signal came.
    Signal(Signal),
}

impl Record {
    /// The process that has started, if the record tells of one.
    pub fn started(&self) -> Option<&Process> {
        match self {
            Record::Started(process) => Some(process),
            _ => None,
        }
    }

    /// The process that is ready, if the record tells of one.
    pub fn ready(&self) -> Option<&Process> {
        match self {
            Record::Ready(process) => Some(process),
            _ => None,
        }
    }
}

/// A process, and when it wrote the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// When the line was written.
    pub ns: Nanos,
    /// The process that wrote it.
    pub pid: i32,
    /// What it is for.
    pub role: Role,
}

/// What a process is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The counter itself.
    #[default]
    Main,
    /// One of its workers, counted from 1.
    Worker(u32),
    /// The stand-in for a shell that waits for the counter.
    Parent,
}

impl Role {
    /// Is it the counter itself?
    pub fn is_main(self) -> bool {
        self == Role::Main
    }

    /// Is it a worker of the counter?
    pub fn is_worker(self) -> bool {
        matches!(self, Role::Worker(_))
    }
}

/// One delivered signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// When the handler ran, or when the signal was read from the signalfd.
    pub ns: Nanos,
    /// The process that got it.
    pub pid: i32,
    /// What that process is for.
    pub role: Role,
    /// The process that sent it; 0 if that is the kernel or outside of the PID namespace.
    pub sender: i32,
    /// Its number.
    pub signal: i32,
    /// How many of this number the process has got by now.
    pub count: u64,
    /// What the process could read of the configuration then: name → content, or `error: …`.
    pub files: BTreeMap<String, String>,
    /// When it had read all of that; a record without it comes from an older counter.
    #[serde(default)]
    pub read_by: Nanos,
}

/// The records in the output of counters; a last line without its end is still being written, and
/// lines that are no records are left out (a container's log may hold others).
pub fn parse_records(output: &str) -> Vec<Record> {
    let complete = output.rfind('\n').map_or("", |end| &output[..end]);
    complete.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_records() {
        let started = Process { ns: 1, pid: 7, role: Role::Main };
        let ready = Process { ns: 2, pid: 8, role: Role::Worker(3) };
        let signal = Signal {
            ns: u64::MAX,
            pid: 7,
            role: Role::Parent,
            sender: 0,
            signal: 64,
            count: 2,
            files: [("a\n\"b".to_owned(), "\u{fffd}".to_owned())].into(),
            read_by: u64::MAX,
        };
        let records = [Record::Started(started), Record::Ready(ready), Record::Signal(signal)];
        let mut text = String::new();
        for record in &records {
            text += &serde_json::to_string(record).unwrap();
            text += "\n";
        }
        assert_eq!(parse_records(&text), records);
    }

    #[test]
    fn half_and_foreign_lines_are_no_records() {
        let text = "hello\n{\"event\":\"started\",\"ns\":1,\"pid\":2,\"role\":\"main\"}\n{\"event\":";
        assert_eq!(parse_records(text).len(), 1);
        assert!(parse_records("").is_empty());
    }
}
