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

use self::alarm::Alarm;
use self::answers::Answers;
use self::shared::Shared;
use self::source::Source;
use crate::http::ListenError;
use crate::report::Report;
use crate::scope::Scope;
use crate::settings::Settings;
use crate::volume::SnapshotError;
use crate::watch::{Inbox, WatchError};

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

/// What all stages use.
struct Context {
    settings: Settings,
    report: Report,
    inbox: Inbox,
    alarm: Alarm,
}

impl Context {
    fn new(settings: Settings) -> Result<Arc<Self>, StartError> {
        let (report, inbox) = (Report::new(&settings), Inbox::new(settings.config_dir.len()));
        let alarm = Alarm::new().map_err(StartError::Timer)?;
        Ok(Arc::new(Self { settings, report, inbox, alarm }))
    }

    /// What counts of the watched paths.
    fn scope(&self) -> Scope<'_> {
        Scope::of(&self.settings)
    }
}

/// Watches and signals until `shutdown` resolves, or the target is gone for good where that is asked for.
pub async fn run(settings: Settings, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    let daemon = async {
        let context = Context::new(settings)?;
        // First, because it can fail; requests wait until the loop runs.
        let mut answers = Answers::listen(context.settings.listen_addr, &context.report).await?;
        let shared = Arc::new(Shared::new(&context));
        // Held throughout the start, so that the event thread only collects.
        let mut pipeline = shared.pipeline.lock().await;
        // The watch comes first, so that no change falls between the two.
        let source = Source::start(&shared, &mut pipeline)?;
        pipeline.start().await?;
        drop(pipeline);
        work(source, &shared, &mut answers).await;
        Ok(())
    };
    tokio::select! {
        biased;
        () = shutdown => Ok(()),
        result = daemon => result,
    }
}

/// The loop: it sleeps until an event that the event thread left to it, a deadline or a request.
async fn work(mut source: Source, shared: &Shared, answers: &mut Answers<'_>) {
    let context = &shared.context;
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
            () = context.inbox.woken() => (),
            () = context.alarm.expired() => (),
        }
    }
}

/// Returns whether that was the end.
async fn work_once(source: &mut Source, shared: &Shared) -> bool {
    let mut pipeline = shared.pipeline.lock().await;
    // The event thread is kept from the pipeline meanwhile, because it takes the places for what they were.
    source.look_if_due(&mut pipeline).await;
    pipeline.work(false).await;
    pipeline.look_after()
}
