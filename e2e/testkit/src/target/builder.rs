//! What a target is like.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Target;
use crate::counter::{Mode, Options, User};

/// Says what a [`Target`] is like. Without further calls it is a counter by the name of
/// `sighup-counter` that catches all signals.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) binary: Option<PathBuf>,
    pub(super) name: String,
    pub(super) options: Options,
}

impl Default for Builder {
    fn default() -> Builder {
        let (binary, name) = (None, "sighup-counter".to_owned());
        Builder { binary, name, options: Options::default() }
    }
}

impl Builder {
    /// The executable to run, if not [`counter_binary`](super::counter_binary); it must call
    /// [`counter::main`](crate::counter::main) where `counter::is_requested` says so.
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Builder {
        self.binary = Some(path.into());
        self
    }

    /// The base name of the executable, and so of `argv[0]`, and the `comm`.
    pub fn named(mut self, name: &str) -> Builder {
        name.clone_into(&mut self.name);
        self
    }

    /// What the command line shows after `argv[0]`, that of workers too; it has no effect.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Builder {
        self.options.args = args.into_iter().map(A::into).collect();
        self
    }

    /// All options at once, for what has no call of its own here.
    pub fn options(mut self, options: Options) -> Builder {
        self.options = options;
        self
    }

    /// Configuration to read at each signal; repeatable.
    pub fn read(mut self, path: impl Into<PathBuf>) -> Builder {
        self.options.read.push(path.into());
        self
    }

    /// How it treats signals.
    pub fn mode(mut self, mode: Mode) -> Builder {
        self.options.mode = mode;
        self
    }

    /// How long all signals keep their default action; [`Builder::spawn`] does not wait so long.
    pub fn handler_delay(mut self, delay: Duration) -> Builder {
        self.options.handler_delay_ms = delay.as_millis().try_into().unwrap_or(u64::MAX);
        self
    }

    /// How many workers it has.
    pub fn workers(mut self, workers: u32) -> Builder {
        self.options.workers = workers;
        self
    }

    /// The command line of its workers.
    pub fn worker_title(mut self, title: &str) -> Builder {
        self.options.worker_title = Some(title.to_owned());
        self
    }

    /// Its `comm`, if not the name.
    pub fn comm(mut self, comm: &str) -> Builder {
        self.options.comm = Some(comm.to_owned());
        self
    }

    /// Its whole command line, as programs write it that rename themselves.
    pub fn title(mut self, title: &str) -> Builder {
        self.options.title = Some(title.to_owned());
        self
    }

    /// The user it runs as; needs root.
    pub fn user(mut self, uid: u32, gid: u32) -> Builder {
        self.options.user = Some(User { uid, gid });
        self
    }

    /// Puts a process in front, named `parent` in every way, that waits for it as a shell does.
    pub fn shell_parent(mut self) -> Builder {
        self.options.shell_parent = true;
        self
    }

    /// How many idle threads it has.
    pub fn threads(mut self, threads: u32) -> Builder {
        self.options.threads = threads;
        self
    }

    /// After how long it ends by itself.
    pub fn exit_after(mut self, lifetime: Duration) -> Builder {
        self.options.exit_after_ms = Some(lifetime.as_millis().try_into().unwrap_or(u64::MAX));
        self
    }

    /// Starts it, and waits until it and its workers are ready; or just run, if they never handle
    /// signals or do so late.
    pub fn spawn(self) -> io::Result<Target> {
        Target::spawn(&self)
    }
}
