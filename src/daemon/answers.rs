//! Answers: what the loop tells those who ask.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::http::{ListenError, Request, Response, Route, Server};
use crate::report::{Exposition, Format, Report};
use crate::settings::ListenAddr;

/// What is not as it should be.
#[derive(Debug, Default)]
pub(super) struct Status<'a> {
    /// Watched paths that are not there.
    pub(super) missing: Vec<&'a Path>,
    /// For how long a change is pending, and why.
    pub(super) pending: Option<(Duration, &'a str)>,
}

impl Status<'_> {
    /// Everything delivered and watched, or one line of why not.
    fn readiness(&self) -> Result<(), String> {
        let mut line = String::new();
        if let Some((since, reason)) = self.pending {
            // Writing to a string cannot fail.
            let _ = write!(line, "a change is pending for {}s: {reason}", since.as_secs());
        }
        for path in &self.missing {
            let separator = if line.is_empty() { "" } else { "; " };
            let _ = write!(line, "{separator}{} is gone", path.display());
        }
        if line.is_empty() { Ok(()) } else { Err(crate::report::one_line(line)) }
    }
}

/// The server, if there is to be one, and the metrics that it serves.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    report: &'a Report,
    served: Option<(Server, Exposition)>,
}

impl<'a> Answers<'a> {
    pub(super) async fn listen(address: Option<ListenAddr>, report: &'a Report) -> Result<Self, ListenError> {
        let served = match address {
            None => None,
            Some(address) => {
                let server = Server::listen(address).await?;
                report.listening(server.address());
                Some((server, report.exposition()))
            }
        };
        Ok(Self { report, served })
    }

    /// The next request; never resolves without a server.
    pub(super) async fn request(&mut self) -> Request {
        if let Some((server, _)) = &mut self.served
            && let Some(request) = server.request().await
        {
            return request;
        }
        std::future::pending().await
    }

    pub(super) fn answer(&self, request: Request, status: &Status<'_>) {
        let response = match request.route {
            // That it is answered is the answer: this is the loop.
            Route::Healthz => Response::text(200, "ok"),
            Route::Readyz => match status.readiness() {
                Ok(()) => Response::text(200, "ok"),
                Err(reason) => Response::text(503, &reason),
            },
            Route::Metrics(format) => self.metrics(format, status),
        };
        request.answer(response);
    }

    fn metrics(&self, format: Format, status: &Status<'_>) -> Response {
        self.report.pending_for(status.pending.map(|(since, _)| since));
        let body = self.served.as_ref().map(|(_, exposition)| exposition.text(format)).unwrap_or_default();
        Response { status: 200, content_type: format.media_type(), body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_one_line_of_all_that_is_wrong() {
        let ready = |pending, missing| Status { missing, pending }.readiness();
        assert_eq!(ready(None, vec![]), Ok(()));
        let pending = Some((Duration::from_millis(12_900), "no process is named \"a\\nb\""));
        let reason = "a change is pending for 12s: no process is named \"a\\nb\"";
        assert_eq!(ready(pending, vec![]), Err(reason.into()));
        assert_eq!(ready(None, vec![Path::new("/a\nb")]), Err("/a\\nb is gone".into()));
        let paths = vec![Path::new("/a"), Path::new("/b")];
        assert_eq!(ready(pending, paths), Err(format!("{reason}; /a is gone; /b is gone")));
    }
}
