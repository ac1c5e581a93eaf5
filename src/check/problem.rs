//! A problem: what is wrong in one line, and what mends it in another.

use std::fmt;

use serde::{Serialize, Serializer};

/// Which problem it is. Its name never changes, so that programs can go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A watched path does not exist.
    PathMissing,
    /// A watched path, or something in it, cannot be read.
    PathUnreadable,
    /// A watched directory holds nothing that counts.
    PathEmpty,
    /// A watched path is a `subPath` mount, or has one in it.
    SubPath,
    /// A watched path is a file that is mounted by itself, or has one in it.
    SingleFile,
    /// No inotify instance is left.
    InotifyInstances,
    /// No inotify watch is left.
    InotifyWatches,
    /// The kernel refuses the watch.
    NotWatchable,
    /// The process table cannot be read.
    NoProcessTable,
    /// Nothing but the sidecar can be seen.
    NoSharedPidNamespace,
    /// No process matches.
    NoMatch,
    /// The PID file names no target.
    PidFile,
    /// The kernel would refuse the signal.
    NotPermitted,
    /// The target has no handler for the signal.
    NotHandled,
    /// The target ignores the signal.
    SignalIgnored,
}

impl Code {
    /// All of them, in the order of the list of problems.
    pub const ALL: [Self; 15] = [
        Self::PathMissing,
        Self::PathUnreadable,
        Self::PathEmpty,
        Self::SubPath,
        Self::SingleFile,
        Self::InotifyInstances,
        Self::InotifyWatches,
        Self::NotWatchable,
        Self::NoProcessTable,
        Self::NoSharedPidNamespace,
        Self::NoMatch,
        Self::PidFile,
        Self::NotPermitted,
        Self::NotHandled,
        Self::SignalIgnored,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PathMissing => "path-missing",
            Self::PathUnreadable => "path-unreadable",
            Self::PathEmpty => "path-empty",
            Self::SubPath => "sub-path",
            Self::SingleFile => "single-file",
            Self::InotifyInstances => "inotify-instances",
            Self::InotifyWatches => "inotify-watches",
            Self::NotWatchable => "not-watchable",
            Self::NoProcessTable => "no-process-table",
            Self::NoSharedPidNamespace => "no-shared-pid-namespace",
            Self::NoMatch => "no-match",
            Self::PidFile => "pid-file",
            Self::NotPermitted => "not-permitted",
            Self::NotHandled => "not-handled",
            Self::SignalIgnored => "signal-ignored",
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The pod is set up wrong.
    Wrong,
    /// A change would be delivered, and yet this is hardly meant.
    Warning,
}

/// Something that is wrong, and its mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which problem it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The path, process or setting that it is about.
    pub subject: String,
    /// What is wrong.
    pub what: String,
    /// What to change.
    pub mend: String,
}

impl Problem {
    pub(super) fn wrong(code: Code, subject: &str, what: String, mend: &str) -> Self {
        let (subject, mend) = (subject.to_owned(), mend.to_owned());
        Self { code, severity: Severity::Wrong, subject, what, mend }
    }

    /// From the text of an error, which names the mend behind its last semicolon.
    pub(super) fn told(code: Code, subject: &str, error: &str) -> Self {
        let (what, mend) = error.rsplit_once("; ").unwrap_or((error, "see what the kernel said"));
        Self::wrong(code, subject, what.to_owned(), mend)
    }

    pub(super) fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

/// One line, for the log.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.code.name(), self.what, self.mend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_kebab_case() {
        for code in Code::ALL {
            let name = code.name();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            let debug = format!("{code:?}").to_lowercase();
            assert_eq!(name.replace('-', ""), debug, "not the name of the variant");
        }
        let mut sorted = Code::ALL;
        sorted.sort_unstable();
        assert_eq!(sorted, Code::ALL);
    }

    #[test]
    fn an_error_is_taken_apart_at_its_last_semicolon() {
        let problem = Problem::told(Code::PathMissing, "/a; b", "/a; b does not exist; mount it");
        assert_eq!((&*problem.what, &*problem.mend), ("/a; b does not exist", "mount it"));
        assert_eq!(problem.to_string(), "path-missing: /a; b does not exist; mount it");
    }
}
