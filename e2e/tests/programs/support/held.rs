//! A request in progress: the answer's first half is there, the second comes when the test lets it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use super::{DEADLINE, http};

/// Where the server under test finds what answers.
pub(crate) const BACKEND_PORT: u16 = 9000;

const FIRST: &str = "first half, ";
const SECOND: &str = "second half";

/// One request through the server under test, which must be a proxy for the backend.
pub(crate) struct Held {
    client: TcpStream,
    received: Vec<u8>,
    release: Sender<()>,
    backend: JoinHandle<()>,
}

impl Held {
    /// Asks `port` for a page, and waits for the first half of it.
    #[track_caller]
    pub(crate) fn begin(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, BACKEND_PORT)).unwrap();
        let (release, released) = channel();
        let backend = thread::spawn(move || answer(&listener, &released));
        let mut client = http::request(port, "/held").unwrap();
        let mut received = Vec::new();
        while !received.ends_with(FIRST.as_bytes()) {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            received.push(byte[0]);
        }
        Self { client, received, release, backend }
    }

    /// Lets the rest come, and checks that all of it does.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        self.release.send(()).unwrap();
        self.client.read_to_end(&mut self.received).unwrap();
        assert_eq!(http::body(&self.received).unwrap(), format!("{FIRST}{SECOND}"));
        self.backend.join().unwrap();
    }
}

fn answer(listener: &TcpListener, released: &Receiver<()>) {
    let (mut connection, _) = listener.accept().unwrap();
    connection.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let length = FIRST.len() + SECOND.len();
    let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{FIRST}");
    connection.write_all(head.as_bytes()).unwrap();
    // A test that failed does not release it.
    if released.recv().is_ok() {
        connection.write_all(SECOND.as_bytes()).unwrap();
    }
}
