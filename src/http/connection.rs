//! One connection: one request, one answer, one deadline.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::request::{LONGEST_HEAD, read};
use super::{Request, Response};

/// From the connection to the last byte of the answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is read at a time.
const PIECE: usize = 1024;

/// How much of a refused request is read on, so that the answer is not lost with it (RFC 9112, 9.6).
const MOST_LEFT_OVER: usize = 64 * 1024;

/// How long to wait when no connection can be taken.
pub(super) const RETRY: Duration = Duration::from_millis(100);

pub(super) async fn serve(mut stream: TcpStream, requests: mpsc::Sender<Request>) {
    // Whoever does not keep to the time, or went away, gets no answer; there is nobody else to tell.
    let _ = timeout(DEADLINE, converse(&mut stream, &requests)).await;
}

async fn converse(stream: &mut TcpStream, requests: &mpsc::Sender<Request>) -> io::Result<()> {
    let mut head = Vec::with_capacity(PIECE);
    let route = loop {
        if receive(stream, &mut head).await? == 0 {
            return Ok(());
        }
        if let Some(route) = read(&head) {
            break route;
        }
    };
    let response = match route {
        Err(refusal) => refusal,
        Ok(route) => {
            let (answer, answered) = oneshot::channel();
            let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            requests.send(Request { route, answer }).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
            answered.await.map_err(gone)?
        }
    };
    stream.write_all(&bytes(&response)).await?;
    stream.shutdown().await?;
    let mut left_over = 0;
    while left_over < MOST_LEFT_OVER {
        head.clear();
        match receive(stream, &mut head).await? {
            0 => break,
            more => left_over += more,
        }
    }
    Ok(())
}

async fn receive(stream: &mut TcpStream, head: &mut Vec<u8>) -> io::Result<usize> {
    let room = PIECE.min(LONGEST_HEAD - head.len().min(LONGEST_HEAD - 1));
    head.reserve(room);
    stream.take(room as u64).read_buf(head).await
}

fn bytes(response: &Response) -> Vec<u8> {
    let reason = match response.status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed\r\nAllow: GET",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    };
    let Response { status, content_type, body } = response;
    let length = body.len();
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}
