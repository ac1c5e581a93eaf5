//! Pipeline: from events to signals. One thread at a time works on it, the event thread or the loop.

use std::sync::Arc;
use std::time::Instant;

use super::answers::Status;
use super::configuration::Configuration;
use super::delivery::Delivery;
use super::{Context, StartError};
use crate::check;
use crate::reload::{Brake, Change};

pub(super) struct Pipeline {
    context: Arc<Context>,
    pub(super) configuration: Configuration,
    delivery: Delivery,
    brake: Brake,
    alarm_at: Option<Instant>,
    /// When to look without an event.
    pub(super) resync_at: Option<Instant>,
}

impl Pipeline {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            configuration: Configuration::new(context),
            delivery: Delivery::new(context),
            brake: Brake::default(),
            alarm_at: None,
            resync_at: None,
        }
    }

    /// Reads the configuration and knows the targets before the first change comes.
    pub(super) async fn start(&mut self) -> Result<(), StartError> {
        self.configuration.start().await?;
        for problem in check::problems_at_start(&self.context.settings, self.configuration.snapshots()) {
            self.context.report.problem(&problem);
        }
        self.delivery.start(self.configuration.at_start());
        self.context.report.ready(self.configuration.digest());
        Ok(())
    }

    /// Takes in what has settled, signals, and sets the alarm for what is next. Returns whether nothing is left for
    /// the loop.
    pub(super) async fn work(&mut self, is_event_thread: bool) -> bool {
        let (change, is_done) = self.configuration.settle(is_event_thread).await;
        if let Some(change) = change {
            self.want(change);
        }
        // The log waits until the signal is out.
        let attempt = self.delivery.attempt_if_due();
        self.configuration.report_changes();
        self.delivery.tell(attempt);
        self.set_alarm();
        is_done
    }

    fn want(&mut self, change: Change) {
        let touched = self.configuration.touched();
        let since =
            self.delivery.last_signal().and_then(|last| change.first_event.checked_duration_since(last));
        let pause = self.brake.judge(&touched, since);
        if let Some(pause) = pause {
            self.context.report.reload_loop(&touched.names, pause);
        }
        self.delivery.want(change, pause.unwrap_or_default());
    }

    /// Looks after the targets; returns whether that was the end.
    pub(super) fn look_after(&mut self) -> bool {
        let is_over = self.delivery.look_after_if_due();
        self.set_alarm();
        is_over
    }

    pub(super) fn status(&self) -> Status<'_> {
        let pending = self.delivery.pending().or_else(|| self.configuration.pending());
        Status { missing: self.configuration.missing().collect(), pending }
    }

    fn set_alarm(&mut self) {
        let own = self.configuration.due().into_iter().chain(self.resync_at);
        let due = own.chain(self.delivery.due()).min();
        if due != self.alarm_at {
            self.context.alarm.set(due);
            self.alarm_at = due;
        }
    }
}
