//! Daemon: the only place that knows the order of the stages.

mod alarm;
mod answers;
mod delivery;
mod shared;
mod source;
mod watched_path;

use std::future::Future;
use std::io;
use std::sync::Arc;

use self::alarm::Alarm;
use self::answers::{Answers, Status};
use self::delivery::Delivery;
use self::source::Source;
use crate::check;
use crate::http::ListenError;
use crate::report::Report;
use crate::settings::Settings;
use crate::volume::SnapshotError;
use crate::watch::WatchError;

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A watched path cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A watched path cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// There is no timer to be had.
    #[error("cannot make a timer: {0}; raise the limit of open files")]
    Timer(#[source] io::Error),
    /// Nobody can be answered.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// Watches and signals until `shutdown` resolves, or the target is gone for good where that is asked for.
pub async fn run(settings: Settings, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    let daemon = async {
        let report = Arc::new(Report::new(&settings));
        // First, because they can fail; requests wait until the loop runs.
        let alarm = Alarm::new().map_err(StartError::Timer)?;
        let mut answers = Answers::listen(settings.listen_addr, &report).await?;
        let source = Source::start(&settings, &report).await?;
        for problem in check::problems_at_start(&settings, source.snapshots()) {
            report.problem(&problem);
        }
        let delivery = Delivery::start(&settings, &report, source.configuration_at_start());
        report.ready(source.digest());
        work(source, delivery, &mut answers, alarm).await;
        Ok(())
    };
    tokio::select! {
        biased;
        () = shutdown => Ok(()),
        result = daemon => result,
    }
}

/// The loop: it sleeps until a mark, a deadline or a request.
async fn work(mut source: Source<'_>, mut delivery: Delivery<'_>, answers: &mut Answers<'_>, alarm: Alarm) {
    loop {
        source.resync_if_due().await;
        for change in source.settle().await {
            delivery.want(change);
        }
        // The log waits until the signal is out.
        let attempt = delivery.attempt_if_due();
        source.tell_changes();
        delivery.tell(attempt);
        delivery.look_after_if_due();
        if delivery.is_over() {
            return;
        }
        let wake_at = source.due().into_iter().chain(delivery.due()).min();
        // Where one change follows another without a pause, nothing below would wait, and no connection would get
        // on.
        tokio::task::yield_now().await;
        tokio::select! {
            // Those who ask come first, or changes without a pause would keep them out; a reload is delayed by no
            // more than one answer, for what is marked is looked at after each.
            biased;
            request = answers.request() => {
                let status = Status { missing: source.missing().collect(), pending: delivery.pending() };
                answers.answer(request, &status);
            }
            () = source.marked() => (),
            () = alarm.wait_until(wake_at) => (),
        }
    }
}
