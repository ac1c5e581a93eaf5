//! A sidecar, its target, and what both see.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sidecar_testkit::counter::Signal;
use sidecar_testkit::kubelet::Payload;
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use super::{Builder, DEADLINE, Sidecar, WATCHED, unique_name};

/// What the target could read when a signal came: name → content.
pub(crate) type Files = BTreeMap<String, String>;

/// What is to be read: these names with these contents, and no others.
pub(crate) fn files<N: Into<String>, C: Into<String>>(files: impl IntoIterator<Item = (N, C)>) -> Files {
    files.into_iter().map(|(name, content)| (name.into(), content.into())).collect()
}

/// A target that reads the watched paths at each signal, and a sidecar for it.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) sidecar: Sidecar,
    pub(crate) target: Target,
}

impl Scene {
    /// Watches one path.
    #[track_caller]
    pub(crate) fn watching(path: impl AsRef<Path>) -> Self {
        Self::with(&[path.as_ref()], |sidecar| sidecar)
    }

    /// Watches these paths; `set` sets what else the sidecar is to be told.
    #[track_caller]
    pub(crate) fn with(paths: &[&Path], set: impl FnOnce(Builder) -> Builder) -> Self {
        let name = unique_name();
        let reading =
            |target: sidecar_testkit::target::Builder, path: &&Path| target.read(PathBuf::from(path));
        let target = paths.iter().fold(Target::builder().named(&name), reading).spawn().unwrap();
        Self { sidecar: start(paths, &name, set), target }
    }

    /// The same for a user other than root, if the tests run as root.
    #[track_caller]
    pub(crate) fn for_user(uid: u32, paths: &[&Path]) -> Self {
        let name = unique_name();
        let mut target = Target::builder().named(&name);
        for path in paths {
            target = target.read(*path);
        }
        if super::is_root() {
            target = target.user(uid, uid);
        }
        let target = target.spawn().unwrap();
        let sidecar =
            start(paths, &name, |sidecar| if super::is_root() { sidecar.user(uid, uid) } else { sidecar });
        Self { sidecar, target }
    }

    /// Waits for signal number `count`, and checks that it is the last by now and that the log tells
    /// of as many.
    #[track_caller]
    pub(crate) fn expect_count(&self, count: usize) -> Signal {
        let signals = self.target.wait_for_signals(count, DEADLINE);
        let last = signals.last().unwrap().clone();
        assert_eq!(signals.len(), count, "signals, the last with {:?}", last.files);
        // It logs after it sends.
        let sent = self.sidecar.wait_for_log_lines(" sent signal=", count, DEADLINE);
        assert_eq!(sent.len(), count, "signals that the log tells of");
        last
    }

    /// The same, and checks that exactly `expected` could be read when the signal came.
    #[track_caller]
    pub(crate) fn expect_signal(&self, count: usize, expected: &Files) -> Signal {
        let signal = self.expect_count(count);
        assert_eq!(&signal.files, expected, "what was to be read at signal {count}");
        signal
    }

    /// The same where the target reads a volume with this payload.
    #[track_caller]
    pub(crate) fn expect_payload(&self, count: usize, payload: &Payload) -> Signal {
        let text = |content: &Vec<u8>| String::from_utf8_lossy(content).into_owned();
        self.expect_signal(count, &files(payload.iter().map(|(key, content)| (key, text(content)))))
    }

    /// Waits for a signal for what these paths, which must be those watched, hold now; gives the
    /// number of signals until then. For changes so close together that some may share a signal.
    #[track_caller]
    pub(crate) fn wait_for_current(&self, paths: &[&Path]) -> usize {
        let digest = digest_of(paths);
        wait::until(DEADLINE, &format!("the last signal to be for {digest}"), || {
            let sent = self.sidecar.log_lines(" sent signal=");
            sent.last().is_some_and(|line| line.contains(&digest)).then_some(sent.len())
        })
    }

    /// Watches that no signal comes beyond these. The proof is the fence that follows: a later
    /// change that is signalled as the next in number.
    #[track_caller]
    pub(crate) fn expect_no_more_than(&self, count: usize) {
        let more =
            wait::try_until(WATCHED, || Some(self.target.signals()).filter(|signals| signals.len() > count));
        assert!(more.is_none(), "more than {count} signals: {more:?}");
    }
}

/// What the log calls what these paths hold now: it depends on the configuration only, so that any
/// sidecar finds the same.
#[track_caller]
pub(crate) fn digest_of(paths: &[&Path]) -> String {
    digest_with(paths, |sidecar| sidecar)
}

/// The same where settings decide what counts.
#[track_caller]
pub(crate) fn digest_with(paths: &[&Path], set: impl FnOnce(Builder) -> Builder) -> String {
    let ready = start(paths, "nobody", set).log_lines(" ready ").remove(0);
    digest_in(&ready).unwrap().to_owned()
}

/// The digest that a log line tells, with the name of the field.
pub(crate) fn digest_in(line: &str) -> Option<&str> {
    line.split(' ').find(|field| field.starts_with("digest="))
}

fn start(paths: &[&Path], name: &str, set: impl FnOnce(Builder) -> Builder) -> Sidecar {
    let watching = |sidecar: Builder, path: &&Path| sidecar.config_dir(path);
    let sidecar = paths.iter().fold(Sidecar::builder(), watching);
    set(sidecar.process_name(name)).spawn()
}
