//! As much of HTTP as asking for a page takes.

use std::io::{self, Error, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use super::DEADLINE;

/// Sends a request on a connection of its own.
pub(crate) fn request(port: u16, path: &str) -> io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut connection = TcpStream::connect_timeout(&address, DEADLINE)?;
    connection.set_read_timeout(Some(DEADLINE))?;
    // In one write, or the kernel would wait for more before it sends the rest.
    connection.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
    Ok(connection)
}

/// Asks for a page; anything but the whole of it is an error.
pub(crate) fn get(port: u16, path: &str) -> io::Result<String> {
    let mut response = Vec::new();
    request(port, path)?.read_to_end(&mut response)?;
    body(&response)
}

/// The body of a whole response.
pub(crate) fn body(response: &[u8]) -> io::Result<String> {
    let response = String::from_utf8_lossy(response).into_owned();
    let invalid = |what: &str| Error::other(format!("{what}: {response:?}"));
    let (head, body) = response.split_once("\r\n\r\n").ok_or_else(|| invalid("not all of the head"))?;
    if head.split(' ').nth(1) != Some("200") {
        return Err(invalid("not OK"));
    }
    let length: Option<usize> = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    match length {
        Some(length) if body.len() != length => Err(invalid("not all of the body")),
        _ => Ok(body.trim_end().to_owned()),
    }
}
