//! What is not answered with what was asked for.

use std::io::Write;

use sidecar_testkit::wait;

use crate::http::{Answer, connect, exchange, read};
use crate::support::{WATCHED, unique_name};
use crate::{Config, Served};

const LINE: &[u8] = b"GET /metrics HTTP/1.1\r\n";

/// Each is answered with this status and one line, and the next one is served.
#[track_caller]
fn expect(status: u16, requests: &[&[u8]]) -> Vec<Answer> {
    let config = Config::new();
    let served = Served::watching(config.path(), &unique_name());
    let refuse = |request: &&[u8]| {
        let answer = exchange(served.address, request);
        assert_eq!(answer.status, status, "{} {answer:?}", String::from_utf8_lossy(request));
        assert_eq!(answer.body.lines().count(), 1, "{answer:?}");
        assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
        assert_eq!(served.get("/metrics").status, 200);
        answer
    };
    requests.iter().map(refuse).collect()
}

#[test]
fn another_path_is_not_found_and_told_which_there_are() {
    let answers = expect(
        404,
        &[
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET /metrics/ HTTP/1.1\r\nHost: pod\r\n\r\n",
            b"GET /../etc/passwd HTTP/1.0\r\n\r\n",
            b"POST /nothing HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        ],
    );
    for answer in answers {
        assert!(answer.body.contains("/metrics, /healthz and /readyz"), "{answer:?}");
    }
}

#[test]
fn another_method_is_not_allowed_and_told_which_is() {
    let answers = expect(
        405,
        &[
            b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
            b"DELETE /healthz HTTP/1.1\r\n\r\n",
            b"OPTIONS /readyz HTTP/1.1\r\n\r\n",
        ],
    );
    for answer in answers {
        assert_eq!(answer.field("Allow"), Some("GET"), "{answer:?}");
    }
}

#[test]
fn what_is_not_http_is_a_bad_request() {
    // The beginning of what `curl https://…` says first.
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x4c\x1e\x5a\r\n\r\n";
    let bytes: Vec<u8> = (128..=255).cycle().take(1000).collect();
    expect(
        400,
        &[
            hello,
            &bytes,
            b"GET /metrics\r\n\r\n",
            b"GET /metrics HTTP/2.0\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nno field\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ],
    );
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let long_path = [b"GET /", "x".repeat(10_000).as_bytes(), b" HTTP/1.1\r\n\r\n"].concat();
    let long_field = [LINE, b"X: ", "x".repeat(60_000).as_bytes(), b"\r\n\r\n"].concat();
    let many_fields = [LINE, "X: y\r\n".repeat(65).as_bytes(), b"\r\n"].concat();
    expect(431, &[&long_path, &long_field, &many_fields]);
}

/// Some systems lose an answer that came before a reset.
#[test]
fn who_is_refused_and_sends_on_is_not_reset() {
    let config = Config::new();
    let served = Served::watching(config.path(), &unique_name());
    let mut stream = connect(served.address);
    stream.write_all(&[LINE, b"X: ", "x".repeat(8 * 1024).as_bytes()].concat()).unwrap();
    assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    let reset = wait::try_until(WATCHED, || stream.write(b"x").err());
    assert!(reset.is_none(), "{reset:?}");
    assert!(read(&mut stream).starts_with("HTTP/1.1 431 "));
}

/// Proxies and meshes add fields; the most that is taken is as much as others take.
#[test]
fn a_large_head_is_served() {
    let config = Config::new();
    let served = Served::watching(config.path(), &unique_name());
    let many_fields = [LINE, "X: y\r\n".repeat(64).as_bytes(), b"\r\n"].concat();
    let long_field = [LINE, b"X: ", "x".repeat(8 * 1024 - 100).as_bytes(), b"\r\n\r\n"].concat();
    for request in [many_fields, long_field] {
        assert_eq!(exchange(served.address, &request).status, 200);
    }
}
