//! A client that says what it is told to say.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::DEADLINE;

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// An answer as it came; `None` if it is none.
    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        Some(Self { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    get_with(address, path, "")
}

/// With further fields, each with its end of line.
#[track_caller]
pub(crate) fn get_with(address: SocketAddr, path: &str, fields: &str) -> Answer {
    exchange(address, format!("GET {path} HTTP/1.1\r\nHost: pod\r\n{fields}\r\n").as_bytes())
}

/// Sends these bytes and reads to the end; the whole answer must come, and no reset with it, in which some
/// systems lose the answer.
#[track_caller]
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let (mut stream, mut answer) = (connect(address), Vec::new());
    stream.write_all(request).unwrap();
    stream.read_to_end(&mut answer).unwrap();
    let answer = Answer::parse(&String::from_utf8(answer).unwrap());
    let answer = answer.unwrap_or_else(|| panic!("no answer to {:?}", String::from_utf8_lossy(request)));
    assert_eq!(answer.field("Content-Length"), Some(answer.body.len().to_string().as_str()), "{answer:?}");
    assert_eq!(answer.field("Connection"), Some("close"));
    answer
}

/// The same; `None` if there is no answer.
pub(crate) fn try_exchange(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    // The server may have ended the connection before it has read all.
    let _ = stream.write_all(request);
    Answer::parse(&read(&mut stream))
}

#[track_caller]
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, DEADLINE).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// What comes until the end, or until the connection is reset.
pub(crate) fn read(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
