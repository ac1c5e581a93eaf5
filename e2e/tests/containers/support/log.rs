//! The log of a container, by its ID.

use std::time::Duration;

use e2e::run::Run;
use futures_util::StreamExt;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{LogsOptions, LogsOptionsBuilder};

use super::DEADLINE;

/// Before a log that ended is opened again: its container may be restarting.
const PAUSE: Duration = Duration::from_millis(50);

/// What it wrote to the standard error by now.
pub(crate) fn read(run: &Run, id: &str) -> String {
    run.engine().wait(follow(run.engine().docker(), id, stderr().build(), |_| None::<()>)).0
}

/// What it wrote to the standard output by now.
pub(crate) fn read_output(run: &Run, id: &str) -> String {
    let stdout = LogsOptionsBuilder::new().stdout(true).build();
    run.engine().wait(follow(run.engine().docker(), id, stdout, |_| None::<()>)).0
}

/// Waits until `count` lines of its standard error hold `text`; gives the last of them.
#[track_caller]
pub(crate) fn wait_for(run: &Run, id: &str, text: &str, count: usize) -> String {
    let docker = run.engine().docker();
    let wanted = |log: &str| {
        let complete = log.rfind('\n').map_or("", |end| &log[..end]);
        complete.lines().filter(|line| line.contains(text)).nth(count - 1).map(str::to_owned)
    };
    let found = async {
        loop {
            // Gives what is there and all that follows, and ends when the container does.
            if let (_, Some(line)) = follow(docker, id, stderr().follow(true).build(), wanted).await {
                return line;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let found = run.engine().wait(async { tokio::time::timeout(DEADLINE, found).await });
    found.unwrap_or_else(|_| {
        panic!("waited in vain for {count} lines with {text:?}; the log is\n{}", read(run, id))
    })
}

fn stderr() -> LogsOptionsBuilder {
    LogsOptionsBuilder::new().stderr(true)
}

/// Reads the log until `wanted` finds something in it, or to its end.
async fn follow<T>(
    docker: &Docker,
    id: &str,
    options: LogsOptions,
    wanted: impl Fn(&str) -> Option<T>,
) -> (String, Option<T>) {
    let mut log = String::new();
    let mut parts = std::pin::pin!(docker.logs(id, Some(options)));
    // An error is the end too: the container is being removed.
    while let Some(Ok(part)) = parts.next().await {
        log += &String::from_utf8_lossy(&part.into_bytes());
        if let Some(found) = wanted(&log) {
            return (log, Some(found));
        }
    }
    (log, None)
}
