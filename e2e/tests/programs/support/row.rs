//! The table of what was measured, one row a program.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use super::{Sidecar, Traffic};

const HEAD: [&str; 10] = [
    "program",
    "signal",
    "sent to",
    "reloads",
    "seen to change",
    "in effect within",
    "survived",
    "requests",
    "dropped",
    "slowest answer",
];
/// Where there is nothing to tell.
const NOTHING: &str = "–";

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

/// What a case measured.
pub(crate) struct Row {
    program: String,
    signal: String,
    selected: String,
    changed: String,
    took: Vec<Duration>,
    survived: &'static str,
    traffic: Option<Traffic>,
}

impl Row {
    /// A row for what the sidecar did: as many reloads as there are times, which is what each took.
    #[track_caller]
    pub(crate) fn new(version: &str, sidecar: &Sidecar, took: Vec<Duration>, changed: String) -> Self {
        let (signal, candidates) = sidecar.expect_sent(took.len());
        let name = sidecar.process_name();
        Self {
            program: format!("{name} {version}").trim_end().to_owned(),
            signal,
            selected: format!("1 of {candidates} `{name}`"),
            changed,
            took,
            survived: NOTHING,
            traffic: None,
        }
    }

    /// What was open all the time.
    pub(crate) fn survived(mut self, what: &'static str) -> Self {
        self.survived = what;
        self
    }

    /// Requests that were made all the time.
    pub(crate) fn traffic(mut self, traffic: Traffic) -> Self {
        self.traffic = Some(traffic);
        self
    }

    /// Adds it to the table.
    pub(crate) fn add(self) {
        ROWS.lock().unwrap().push(self);
    }
}

/// The table in Markdown; nothing if nothing was measured.
pub(crate) fn table() -> String {
    let mut rows = ROWS.lock().unwrap();
    rows.sort_by(|one, other| one.program.cmp(&other.program));
    let mut table = String::new();
    if !rows.is_empty() {
        write_line(&mut table, &HEAD);
        write_line(&mut table, &["---"; HEAD.len()]);
    }
    for row in rows.iter() {
        row.write(&mut table);
    }
    table
}

impl Row {
    fn write(&self, table: &mut String) {
        let Self { program, signal, selected, changed, took, survived, traffic } = self;
        let slowest = ms(took.iter().max().copied().unwrap_or_default());
        let reloads = took.len().to_string();
        let mut fields: Vec<&str> = vec![program, signal, selected, &reloads, changed, &slowest, survived];
        let traffic = traffic.as_ref().map(|traffic| {
            [traffic.requests.to_string(), traffic.dropped.len().to_string(), ms(traffic.slowest)]
        });
        fields
            .extend(traffic.as_ref().map_or([NOTHING; 3], |traffic| traffic.each_ref().map(String::as_str)));
        write_line(table, &fields);
    }
}

fn ms(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn write_line(table: &mut String, fields: &[&str]) {
    writeln!(table, "| {} |", fields.join(" | ")).unwrap();
}
