//! The application: a counter of signals in a container.

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;

use sidecar_testkit::counter::{Process, Record, Signal, parse_records};
use sidecar_testkit::wait;

use super::{Container, DEADLINE, KEY};

/// What `docker stop` sends.
const SIGTERM: i32 = 15;

/// A container whose processes record the signals that they get.
pub(crate) struct App {
    container: Container,
    records: PathBuf,
}

impl Deref for App {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

impl App {
    /// `records` is the file that they write.
    pub(super) fn new(container: Container, records: PathBuf) -> Self {
        Self { container, records }
    }

    fn records(&self) -> Vec<Record> {
        parse_records(&fs::read_to_string(&self.records).unwrap())
    }

    /// Its processes that handle signals, or did before a restart.
    pub(crate) fn ready(&self) -> Vec<Process> {
        self.records().iter().filter_map(Record::ready).cloned().collect()
    }

    /// Waits until `count` processes handle signals, those before a restart counted too.
    #[track_caller]
    pub(crate) fn wait_ready(&self, count: usize) {
        wait::until(DEADLINE, &format!("{count} ready processes"), || {
            (self.ready().len() >= count).then_some(())
        });
    }

    /// All signals by now but SIGTERM.
    pub(crate) fn signals(&self) -> Vec<Signal> {
        let signal = |record| match record {
            Record::Signal(signal) if signal.signal != SIGTERM => Some(signal),
            _ => None,
        };
        self.records().into_iter().filter_map(signal).collect()
    }

    /// What could be read at each signal by now.
    pub(crate) fn seen(&self) -> Vec<String> {
        let content =
            |signal: Signal| signal.files.get(KEY).cloned().unwrap_or_else(|| "(nothing)".to_owned());
        self.signals().into_iter().map(content).collect()
    }

    /// Waits for as many signals, and checks that there are no others, and what could be read at each.
    /// The last one is the fence: whatever came too often before would be there by now.
    #[track_caller]
    pub(crate) fn expect_seen(&self, expected: &[&str]) {
        let seen =
            wait::try_until(DEADLINE, || Some(self.seen()).filter(|seen| seen.len() >= expected.len()));
        assert_eq!(seen.unwrap_or_else(|| self.seen()), expected, "what was to be read at each signal");
    }

    /// Waits for as many signals, and checks that there are no others by then.
    #[track_caller]
    pub(crate) fn wait_for_signals(&self, count: usize) {
        let what = format!("{count} signals");
        let found =
            wait::until(DEADLINE, &what, || Some(self.signals().len()).filter(|&found| found >= count));
        assert_eq!(found, count, "signals");
    }

    /// Waits until the last signal came when `content` was there; gives the number of signals then.
    #[track_caller]
    pub(crate) fn wait_until_seen(&self, content: &str) -> usize {
        let what = format!("a signal that sees {content:?}");
        wait::until(DEADLINE, &what, || {
            let seen = self.seen();
            seen.last().is_some_and(|last| last == content).then_some(seen.len())
        })
    }
}
