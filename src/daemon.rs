//! Daemon: the only place that knows the order of the stages.

mod alarm;
mod answers;
mod configuration;
mod delivery;
mod pipeline;
mod shared;
mod source;
mod watched_path;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use self::alarm::Alarm;
use self::answers::Answers;
use self::shared::Shared;
use self::source::Source;
use crate::http::ListenError;
use crate::report::Report;
use crate::settings::Settings;
use crate::sys;
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

/// The shortest turn that the scheduler grants. Whoever asks for short turns is let in before one who is in the middle of
/// a long one, so that an event need not wait until its writer is through (the kernel's
/// `Documentation/scheduler/sched-eevdf.rst`).
const TIME_SLICE: Duration = Duration::from_micros(100);

/// Watches and signals until `shutdown` resolves, or the target is gone for good where that is asked for.
pub async fn run(settings: Settings, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    // Where it is refused, as by a sandbox, a signal may come a moment later.
    let _ = sys::set_time_slice(TIME_SLICE);
    let daemon = async {
        let settings = Arc::new(settings);
        let report = Arc::new(Report::new(&settings));
        // First, because they can fail; requests wait until the loop runs.
        let alarm = Arc::new(Alarm::new().map_err(StartError::Timer)?);
        let mut answers = Answers::listen(settings.listen_addr, &report).await?;
        let shared = Shared::new(&settings, &report, &alarm);
        // Held throughout the start, so that the event thread only collects.
        let mut pipeline = shared.pipeline.lock().await;
        // The watch comes first, so that no change falls between the two.
        let source = Source::start(&settings, &report, &shared, &mut pipeline)?;
        pipeline.start().await?;
        drop(pipeline);
        work(source, &shared, &mut answers, &alarm).await;
        Ok(())
    };
    tokio::select! {
        biased;
        () = shutdown => Ok(()),
        result = daemon => result,
    }
}

/// The loop: it sleeps until an event that the event thread left to it, a deadline or a request.
async fn work(mut source: Source, shared: &Shared, answers: &mut Answers<'_>, alarm: &Alarm) {
    loop {
        if work_once(&mut source, shared).await {
            return;
        }
        // Where one change follows another without a pause, nothing below would wait, and no connection would get
        // on.
        tokio::task::yield_now().await;
        tokio::select! {
            // Requests come first, or changes without a pause would keep them out. A reload is delayed by no more than
            // one answer, because the inbox is emptied after each.
            biased;
            request = answers.request() => answers.answer(request, &shared.pipeline.lock().await.status()),
            () = shared.inbox.woken() => (),
            () = alarm.expired() => (),
        }
    }
}

/// Returns whether that was the end.
async fn work_once(source: &mut Source, shared: &Shared) -> bool {
    let mut pipeline = shared.pipeline.lock().await;
    // The event thread is kept from the pipeline meanwhile, because it takes the places for what they were.
    source.follow_moves(&mut pipeline);
    source.resync_if_due(&mut pipeline).await;
    pipeline.work(false).await;
    source.look_again_if_blind(&mut pipeline).await;
    pipeline.look_after()
}
