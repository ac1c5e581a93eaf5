//! Daemon: the only place that knows the order of the stages.

mod alarm;
mod answers;
mod delivery;
mod paths;
mod pipeline;
mod shared;
mod source;
mod watched_path;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use self::alarm::Alarm;
use self::answers::Answers;
use self::delivery::Delivery;
use self::paths::Paths;
use self::pipeline::{Pipeline, Thread};
use self::shared::Shared;
use self::source::Source;
use crate::check;
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
        let alarm = || Alarm::new().map_err(StartError::Timer);
        let (alarm, resync_alarm) = (Arc::new(alarm()?), alarm()?);
        let mut answers = Answers::listen(settings.listen_addr, &report).await?;
        let shared = Shared::new(settings.config_dir.len());
        let source = Source::start(&settings, &report, &shared, resync_alarm)?;
        // After the watch, so that no change falls between the two.
        let paths = Paths::read(&settings, &report, &shared.marks).await?;
        for problem in check::problems_at_start(&settings, paths.snapshots()) {
            report.problem(&problem);
        }
        let delivery = Delivery::start(&settings, &report, paths.configuration_at_start());
        report.ready(paths.digest());
        let pipeline = Pipeline::new(paths, delivery, Arc::clone(&alarm));
        let pipeline = shared.pipeline.get_or_init(|| Arc::new(Mutex::new(pipeline)));
        work(source, pipeline, &mut answers, &alarm).await;
        Ok(())
    };
    tokio::select! {
        biased;
        () = shutdown => Ok(()),
        result = daemon => result,
    }
}

/// The loop: it sleeps until a mark that the event thread left to it, a deadline or a request.
async fn work(mut source: Source, pipeline: &Mutex<Pipeline>, answers: &mut Answers<'_>, alarm: &Alarm) {
    loop {
        if work_once(&mut source, &mut *pipeline.lock().await).await {
            return;
        }
        // Where one change follows another without a pause, nothing below would wait, and no connection would get
        // on.
        tokio::task::yield_now().await;
        tokio::select! {
            // Those who ask come first, or changes without a pause would keep them out; a reload is delayed by no
            // more than one answer, for what is marked is looked at after each.
            biased;
            request = answers.request() => answers.answer(request, &pipeline.lock().await.status()),
            () = source.changed() => (),
            () = alarm.expired() => (),
        }
    }
}

/// Returns whether that was the end.
async fn work_once(source: &mut Source, pipeline: &mut Pipeline) -> bool {
    // While the event thread is kept from the pipeline: it takes the layouts for what they were.
    source.follow_moves();
    source.resync_if_due(&mut pipeline.paths).await;
    pipeline.work(Thread::Loop).await;
    pipeline.look_after()
}
