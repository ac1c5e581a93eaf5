//! A steady stream of requests, each on a connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sidecar_testkit::wait;

use super::DEADLINE;

/// How many requests must have ended before the stream counts as running, and how many more must follow the last
/// thing that the test saw.
const MARGIN: usize = 50;

/// Clients that ask without a pause.
pub(crate) struct Stream {
    clients: Vec<JoinHandle<Traffic>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_over: AtomicBool,
    requests: AtomicUsize,
}

/// What came of a stream.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(crate) requests: usize,
    /// What the slowest of them took.
    pub(crate) slowest: Duration,
    /// The error of each request that got no proper answer.
    pub(crate) dropped: Vec<String>,
}

impl Stream {
    /// Starts so many clients, and waits until they get answers.
    #[track_caller]
    pub(crate) fn start<E: ToString>(
        clients: usize,
        request: impl Fn() -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let (state, request) = (Arc::new(State::default()), Arc::new(request));
        let client = |_| {
            let (state, request) = (Arc::clone(&state), Arc::clone(&request));
            thread::spawn(move || state.ask(|| request().map_err(|error| error.to_string())))
        };
        let stream = Self { clients: (0..clients).map(client).collect(), state };
        stream.wait_for_more();
        stream
    }

    #[track_caller]
    fn wait_for_more(&self) {
        let enough = self.state.requests.load(Ordering::Relaxed) + MARGIN;
        wait::until(DEADLINE, "more requests of the stream", || {
            (self.state.requests.load(Ordering::Relaxed) >= enough).then_some(())
        });
    }

    /// Ends it, some requests after what was seen so far.
    #[track_caller]
    pub(crate) fn finish(self) -> Traffic {
        self.wait_for_more();
        self.state.is_over.store(true, Ordering::Relaxed);
        self.clients.into_iter().map(|client| client.join().unwrap()).fold(Traffic::default(), Traffic::and)
    }
}

impl State {
    fn ask(&self, request: impl Fn() -> Result<(), String>) -> Traffic {
        let mut traffic = Traffic::default();
        while !self.is_over.load(Ordering::Relaxed) {
            let begin = Instant::now();
            let dropped = request().err().into_iter().collect();
            traffic = traffic.and(Traffic { requests: 1, slowest: begin.elapsed(), dropped });
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
        traffic
    }
}

impl Traffic {
    fn and(mut self, other: Self) -> Self {
        self.dropped.extend(other.dropped);
        let slowest = self.slowest.max(other.slowest);
        Self { requests: self.requests + other.requests, slowest, dropped: self.dropped }
    }

    /// For programs that promise to drop nothing.
    #[track_caller]
    pub(crate) fn expect_none_dropped(self) -> Self {
        let Self { requests, dropped, .. } = &self;
        let first = &dropped[..dropped.len().min(5)];
        assert!(dropped.is_empty(), "{} of {requests} requests dropped: {first:?} …", dropped.len());
        self
    }
}
