//! Daemon: the only place that knows the order of the stages.

mod delivery;
mod shared;
mod source;
mod watched_path;

use std::future::Future;
use std::time::Instant;

use self::delivery::Delivery;
use self::source::Source;
use crate::report;
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
}

/// Watches and signals until `shutdown` resolves, or the target is gone for good where that is asked for.
pub async fn run(settings: Settings, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    let daemon = async {
        let source = Source::start(&settings).await?;
        let delivery = Delivery::start(&settings, source.configuration_at_start());
        report::ready(source.digest());
        work(source, delivery).await;
        Ok(())
    };
    tokio::select! {
        biased;
        () = shutdown => Ok(()),
        result = daemon => result,
    }
}

/// The loop: it sleeps until a mark or a deadline.
async fn work(mut source: Source<'_>, mut delivery: Delivery<'_>) {
    while !delivery.is_over() {
        source.resync_if_due().await;
        for change in source.settle().await {
            delivery.want(change);
        }
        // The log waits until the signal is out.
        let attempt = delivery.attempt_if_due();
        source.tell_changes();
        delivery.tell(attempt);
        delivery.look_after_if_due();
        let wake_at = source.due().into_iter().chain(delivery.due()).min();
        tokio::select! {
            () = source.marked() => (),
            () = sleep_until(wake_at) => (),
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
