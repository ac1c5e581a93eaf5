//! HTTP: takes requests from whoever asks, and hands those that are understood to the loop, which answers
//! them between reloads. Whoever is slow, endless or idle is cut off; memory is bounded by the number of connections.

mod connection;
mod request;

use std::collections::VecDeque;
use std::io;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

pub use request::Route;

use crate::settings::ListenAddr;

/// Connections that are held at a time; one more cuts the oldest off.
const MOST_CONNECTIONS: usize = 32;

/// Requests that wait for the loop; more wait in their connections, which end by their deadline.
const MOST_WAITING: usize = 4;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on LISTEN_ADDR={address}: {source}; give an address of the pod and a port that no container of it uses"
)]
pub struct ListenError {
    address: ListenAddr,
    source: io::Error,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Response {
    /// A line for people.
    pub fn text(status: u16, line: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{line}\n") }
    }
}

/// A request that is understood, to be answered by the loop.
#[derive(Debug)]
pub struct Request {
    /// What is asked for.
    pub route: Route,
    answer: oneshot::Sender<Response>,
}

impl Request {
    /// Answers; whoever asked may be gone.
    pub fn answer(self, response: Response) {
        let _ = self.answer.send(response);
    }
}

/// Requests of all connections.
#[derive(Debug)]
pub struct Server {
    address: std::net::SocketAddr,
    requests: mpsc::Receiver<Request>,
}

impl Server {
    /// Listens; connections are taken as long as the runtime runs.
    pub async fn listen(address: ListenAddr) -> Result<Self, ListenError> {
        let listener = bind(address).await.map_err(|source| ListenError { address, source })?;
        let local = listener.local_addr().map_err(|source| ListenError { address, source })?;
        let (sender, requests) = mpsc::channel(MOST_WAITING);
        tokio::spawn(accept(listener, sender));
        Ok(Self { address: local, requests })
    }

    /// Where it listens: with the port that the kernel chose, where it was to choose.
    pub fn address(&self) -> std::net::SocketAddr {
        self.address
    }

    /// The next request.
    pub async fn request(&mut self) -> Option<Request> {
        self.requests.recv().await
    }
}

async fn bind(address: ListenAddr) -> io::Result<TcpListener> {
    let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
    for candidate in address.candidates() {
        result = TcpListener::bind(candidate).await;
        // Another error is none that the next family would not have.
        if !matches!(&result, Err(error) if is_unknown_family(error)) {
            break;
        }
    }
    result
}

fn is_unknown_family(error: &io::Error) -> bool {
    use nix::libc::{EADDRNOTAVAIL, EAFNOSUPPORT};
    matches!(error.raw_os_error(), Some(EAFNOSUPPORT | EADDRNOTAVAIL))
}

async fn accept(listener: TcpListener, requests: mpsc::Sender<Request>) {
    let mut held: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => hold(&mut held, stream, requests.clone()),
            // No file descriptor is left, or the peer is gone already: the next may fare better.
            Err(_) => tokio::time::sleep(connection::RETRY).await,
        }
        // Those that are there already have their turn before a flood of new ones could cut them off.
        tokio::task::yield_now().await;
    }
}

fn hold(held: &mut VecDeque<AbortHandle>, stream: TcpStream, requests: mpsc::Sender<Request>) {
    held.retain(|connection| !connection.is_finished());
    if held.len() >= MOST_CONNECTIONS
        && let Some(oldest) = held.pop_front()
    {
        oldest.abort();
    }
    held.push_back(tokio::spawn(connection::serve(stream, requests)).abort_handle());
}
