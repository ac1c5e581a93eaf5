//! As much of DNS as asking for an IPv4 address takes.

use std::io::{self, Error};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

/// A question in one datagram: standard query, recursion desired, type A, class IN.
const HEADER: [u8; 12] = [0x51, 0xde, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
const TYPE_A_CLASS_IN: [u8; 4] = [0, 1, 0, 1];

/// Resolvers ask again after a few seconds; an answer later than this has not come.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks once; gives `None` if there is no such name.
pub(crate) fn lookup(port: u16, name: &str) -> io::Result<Option<Ipv4Addr>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let labels =
        name.split('.').flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat());
    let question: Vec<u8> = HEADER.into_iter().chain(labels).chain([0]).chain(TYPE_A_CLASS_IN).collect();
    socket.send(&question)?;
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer)?;
    address(&buffer[..length])
}

/// The only answer's data are the last bytes, as nobody asked for more.
fn address(answer: &[u8]) -> io::Result<Option<Ipv4Addr>> {
    let invalid = || Error::other(format!("an answer that cannot be read: {answer:?}"));
    if answer.len() < HEADER.len() || answer[..2] != HEADER[..2] {
        return Err(invalid());
    }
    match (answer[3] & 0xf, answer[7], answer.last_chunk()) {
        (0, 1, Some(&data)) => Ok(Some(Ipv4Addr::from_octets(data))),
        (3, 0, _) => Ok(None),
        _ => Err(invalid()),
    }
}
