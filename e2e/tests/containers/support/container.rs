//! A container that runs, or did.

use std::fmt;
use std::time::{Duration, Instant};

use e2e::run::Run;
use testcontainers::bollard::models::ContainerInspectResponse;
use testcontainers::bollard::query_parameters::{
    RestartContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use testcontainers::core::{CmdWaitFor, ExecCommand};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage};

use super::{DEADLINE, log};

/// The grace that `docker stop` and `docker restart` give by default, in seconds.
const GRACE: i32 = 10;

/// It is removed when this value is dropped; in a test that fails its log is shown first.
pub(crate) struct Container {
    run: &'static Run,
    what: &'static str,
    /// `None` only while it is dropped.
    inner: Option<ContainerAsync<GenericImage>>,
}

impl Container {
    #[track_caller]
    pub(super) fn start(
        run: &'static Run,
        what: &'static str,
        request: ContainerRequest<GenericImage>,
    ) -> Self {
        match run.engine().make(request.start()) {
            Ok(inner) => Self { run, what, inner: Some(inner) },
            Err(error) => panic!("cannot start the container of {what}: {error}"),
        }
    }

    fn inner(&self) -> &ContainerAsync<GenericImage> {
        self.inner.as_ref().unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        self.inner().id()
    }

    /// What it wrote to the standard error by now.
    pub(crate) fn log(&self) -> String {
        log::read(self.run, self.id())
    }

    /// What it wrote to the standard output by now.
    pub(crate) fn output(&self) -> String {
        log::read_output(self.run, self.id())
    }

    /// Waits until `count` lines of the log hold `text`; gives the last of them.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str, count: usize) -> String {
        log::wait_for(self.run, self.id(), text, count)
    }

    /// `docker inspect`.
    pub(crate) fn inspect(&self) -> ContainerInspectResponse {
        let engine = self.run.engine();
        engine.wait(engine.docker().inspect_container(self.id(), None)).unwrap()
    }

    /// `docker exec`: the exit status of the command, and what it wrote to the standard output.
    #[track_caller]
    pub(crate) fn exec(&self, command: &[&str]) -> (i64, String) {
        let ended = ExecCommand::new(command.iter().copied()).with_cmd_ready_condition(CmdWaitFor::exit());
        self.run.engine().wait(async {
            let mut result = self.inner().exec(ended).await.unwrap();
            let output = result.stdout_to_vec().await.unwrap();
            (result.exit_code().await.unwrap().unwrap(), String::from_utf8(output).unwrap())
        })
    }

    /// `docker stop`, and how long it took.
    pub(crate) fn stop(&self) -> Duration {
        let engine = self.run.engine();
        let options = StopContainerOptionsBuilder::new().t(GRACE).build();
        let start = Instant::now();
        engine.wait(engine.docker().stop_container(self.id(), Some(options))).unwrap();
        start.elapsed()
    }

    /// `docker start`, after it was stopped.
    pub(crate) fn start_again(&self) {
        let engine = self.run.engine();
        engine.make(engine.docker().start_container(self.id(), None)).unwrap();
    }

    /// `docker restart`.
    pub(crate) fn restart(&self) {
        let engine = self.run.engine();
        let options = RestartContainerOptionsBuilder::new().t(GRACE).build();
        engine.make(engine.docker().restart_container(self.id(), Some(options))).unwrap();
    }

    /// Waits for its end, which must come by itself; gives its exit status.
    #[track_caller]
    pub(crate) fn wait_for_end(&self) -> i64 {
        let end = sidecar_testkit::wait::try_until(DEADLINE, || {
            self.inspect().state.filter(|state| state.running == Some(false))
        });
        end.unwrap_or_else(|| panic!("{self} does not end")).exit_code.unwrap()
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:.12})", self.what, self.id())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {self}\n{}---", self.log());
        }
        if let Some(inner) = self.inner.take() {
            // What is left now is removed at the end of the run.
            let _ = self.run.engine().wait(inner.rm());
        }
    }
}
