//! inotify: the limits, and whether the watched paths can be watched now.

use std::fs;

use serde::Serialize;

use super::problem::{Code, Problem};
use crate::scope::Scope;
use crate::settings::Settings;
use crate::watch::{self, Places, WatchError, Watcher};

/// What there is to know of inotify.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InotifyFacts {
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: Option<u64>,
    /// `fs.inotify.max_user_watches`.
    pub max_user_watches: Option<u64>,
    /// Whether the watched paths can be watched now.
    pub can_watch: bool,
    /// Why not.
    pub failure: Option<Failure>,
}

/// Why the watched paths cannot be watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What is missing.
    pub cause: Cause,
    /// What the kernel said.
    pub error: String,
}

/// What a watch fails for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// `max_user_instances` is reached.
    Instances,
    /// `max_user_watches` is reached.
    Watches,
    /// The kernel refuses it.
    Refused,
}

impl InotifyFacts {
    /// Watches the paths as the daemon does, and lets go of them again.
    pub(super) fn gather(settings: &Settings) -> Self {
        let failure = try_watch(settings).err().as_ref().map(Failure::of);
        Self {
            max_user_instances: limit("max_user_instances"),
            max_user_watches: limit("max_user_watches"),
            can_watch: failure.is_none(),
            failure,
        }
    }

    /// Why changes would only be polled for, or not noticed at all.
    pub(super) fn problems(&self) -> Option<Problem> {
        let Failure { cause, error } = self.failure.as_ref()?;
        Some(match cause {
            Cause::Instances => polled(Code::InotifyInstances, "fs.inotify.max_user_instances", error),
            Cause::Watches => polled(Code::InotifyWatches, "fs.inotify.max_user_watches", error),
            Cause::Refused => Problem::told(Code::NotWatchable, "CONFIG_DIR", error),
        })
    }
}

fn polled(code: Code, subject: &str, error: &str) -> Problem {
    let problem = Problem::told(code, subject, error);
    Problem { what: format!("{}: changes are only looked for every few seconds", problem.what), ..problem }
}

impl Failure {
    fn of(error: &WatchError) -> Self {
        let cause = match error {
            WatchError::Instances(_) => Cause::Instances,
            WatchError::Watches(_) => Cause::Watches,
            WatchError::Refused { .. } | WatchError::Foreign(_) => Cause::Refused,
        };
        Self { cause, error: error.to_string() }
    }
}

fn try_watch(settings: &Settings) -> Result<(), WatchError> {
    let mut watcher = Watcher::new(Box::new(drop))?;
    watch::refuse_foreign(&settings.config_dir)?;
    watcher.set(&Places::of(&settings.config_dir, Scope::of(settings)))
}

fn limit(name: &str) -> Option<u64> {
    fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use super::*;

    fn failed(error: &WatchError) -> Problem {
        InotifyFacts { failure: Some(Failure::of(error)), ..InotifyFacts::default() }.problems().unwrap()
    }

    #[test]
    fn each_failure_has_its_code_and_mend() {
        let (place, source) = (PathBuf::from("/etc/app"), io::ErrorKind::PermissionDenied.into());
        for (error, code, mend) in [
            (
                WatchError::Instances(notify::Error::generic("too many")),
                Code::InotifyInstances,
                "raise the node's sysctl fs.inotify.max_user_instances",
            ),
            (
                WatchError::Watches(place.clone()),
                Code::InotifyWatches,
                "raise the node's sysctl fs.inotify.max_user_watches",
            ),
            (
                WatchError::Refused { place, source },
                Code::NotWatchable,
                "the sidecar's user must be able to read",
            ),
        ] {
            let problem = failed(&error);
            assert_eq!(problem.code, code);
            assert!(problem.mend.starts_with(mend), "{problem:?}");
            let is_limit = problem.what.ends_with("changes are only looked for every few seconds");
            assert_eq!(is_limit, code != Code::NotWatchable, "{problem:?}");
        }
        assert_eq!(InotifyFacts::default().problems(), None);
    }

    #[test]
    fn the_limits_are_those_of_the_node() {
        assert!(limit("max_user_instances").is_some() && limit("no_such_limit").is_none());
    }
}
