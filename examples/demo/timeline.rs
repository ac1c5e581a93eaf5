//! What the demo writes.

use std::io::{self, Write};
use std::time::Duration;

use sidecar_testkit::clock::{self, Nanos};

/// What came of one step.
pub(crate) struct Row {
    pub(crate) began: Nanos,
    pub(crate) what: String,
    pub(crate) signals: usize,
    pub(crate) expected: usize,
    /// From the change to the last of the signals.
    pub(crate) latency: Option<Duration>,
}

impl Row {
    pub(crate) fn is_right(&self) -> bool {
        self.signals == self.expected
    }
}

/// The table, which grows while the demo runs.
pub(crate) struct Timeline {
    began: Nanos,
}

impl Timeline {
    /// Says what is going to be shown.
    pub(crate) fn start((name, pid): (&str, i32)) -> io::Result<Self> {
        let mut out = io::stdout().lock();
        writeln!(out, "config-reloader-sidecar watches a volume, written as the kubelet does, and a plain")?;
        writeln!(
            out,
            "directory; {name} (PID {pid}) counts the SIGHUPs that it gets: one for each change.\n"
        )?;
        let (time, what, signals, expected) = ("time", "what happened", "signals", "expected");
        writeln!(out, "{time:>7}  {what:<30} {signals:>7}  {expected:>8}  {:>9}", "latency")?;
        out.flush()?;
        Ok(Self { began: clock::now() })
    }

    /// Adds a row.
    pub(crate) fn show(&self, row: &Row) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let time = seconds(Duration::from_nanos(row.began.saturating_sub(self.began)));
        let latency = row.latency.map_or_else(|| "-".to_owned(), milliseconds);
        let verdict = if row.is_right() { "" } else { "  WRONG" };
        let Row { what, signals, expected, .. } = row;
        writeln!(out, "{time:>7}  {what:<30} {signals:>7}  {expected:>8}  {latency:>9}{verdict}")?;
        out.flush()
    }
}

/// Sums up.
pub(crate) fn sum_up(rows: &[Row]) -> io::Result<()> {
    let wrong: Vec<&str> = rows.iter().filter(|row| !row.is_right()).map(|row| row.what.as_str()).collect();
    let mut out = io::stdout().lock();
    writeln!(out, "\nLatency is from the swap, or the last write, to the application's handler. A plain")?;
    writeln!(out, "directory must be quiet for 100 ms first (QUIET_PERIOD); a kubelet's swap need not.")?;
    if wrong.is_empty() {
        writeln!(out, "All counts are right. Next: README.md, for the settings and a pod to copy.")?;
    } else {
        writeln!(out, "WRONG: {}.", wrong.join("; "))?;
    }
    out.flush()
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
