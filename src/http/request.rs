//! What is asked for: pure.

use super::Response;
use crate::report::Format;

/// The longest head of a request; longer ones are refused.
pub(super) const LONGEST_HEAD: usize = 8 * 1024;

/// The most header fields of a request; more are refused.
const MOST_FIELDS: usize = 64;

/// What is asked for, once it is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The metrics.
    Metrics(Format),
    /// Is the loop alive?
    Healthz,
    /// Is everything delivered and watched?
    Readyz,
}

/// What can be said of a request so far: `None` if it has not come as a whole.
pub(super) fn read(head: &[u8]) -> Option<Result<Route, Response>> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => Some(route(&request)),
        Ok(httparse::Status::Partial) if head.len() < LONGEST_HEAD => None,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            Some(Err(Response::text(431, "the request's head is too large")))
        }
        Err(error) => Some(Err(Response::text(400, &format!("this is not HTTP/1.1: {error}")))),
    }
}

fn route(request: &httparse::Request<'_, '_>) -> Result<Route, Response> {
    let target = request.path.unwrap_or_default();
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let route = match path {
        "/metrics" => Route::Metrics(format(request)),
        "/healthz" => Route::Healthz,
        "/readyz" => Route::Readyz,
        _ => return Err(Response::text(404, "there are /metrics, /healthz and /readyz")),
    };
    if request.method == Some("GET") { Ok(route) } else { Err(Response::text(405, "only GET is answered")) }
}

/// OpenMetrics for those who ask for it by name and do not like plain text better (RFC 9110, 12.5.1).
fn format(request: &httparse::Request<'_, '_>) -> Format {
    let accept = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("accept"));
    let (mut open_metrics, mut text) = (0.0_f32, 0.0_f32);
    for range in
        accept.filter_map(|field| std::str::from_utf8(field.value).ok()).flat_map(|value| value.split(','))
    {
        let range = range.to_ascii_lowercase();
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        match media_type {
            "application/openmetrics-text" => open_metrics = open_metrics.max(weight),
            "text/plain" => text = text.max(weight),
            _ => {}
        }
    }
    if open_metrics > 0.0 && open_metrics >= text { Format::OpenMetrics } else { Format::Prometheus }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get(path: &str, accept: &str) -> Option<Result<Route, Response>> {
        read(format!("GET {path} HTTP/1.1\r\nHost: pod\r\nAccept: {accept}\r\n\r\n").as_bytes())
    }

    #[test]
    fn each_route() {
        let metrics = Route::Metrics(Format::Prometheus);
        for (path, route) in [
            ("/metrics", metrics),
            ("/metrics?name[]=x", metrics),
            ("/healthz", Route::Healthz),
            ("/readyz", Route::Readyz),
        ] {
            assert_eq!(get(path, "*/*"), Some(Ok(route)), "{path}");
        }
    }

    #[test]
    fn each_format() {
        const SCRAPE: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                              text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            (SCRAPE, Format::OpenMetrics),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; Q=1", Format::OpenMetrics),
            ("text/plain, application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.5", Format::Prometheus),
            ("application/openmetrics-text;q=0", Format::Prometheus),
            ("application/openmetrics-text;Q=0.0", Format::Prometheus),
            ("application/openmetrics-text;q=x", Format::Prometheus),
            ("text/plain", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("", Format::Prometheus),
        ] {
            assert_eq!(get("/metrics", accept), Some(Ok(Route::Metrics(format))), "{accept}");
        }
    }

    fn status(head: &[u8]) -> u16 {
        read(head).unwrap().unwrap_err().status
    }

    #[test]
    fn anything_else_has_its_status() {
        for path in ["/", "/metrics/", "/Metrics", "/healthz/x", "*", "http://pod/metrics"] {
            assert_eq!(get(path, "*/*").unwrap().unwrap_err().status, 404, "{path}");
        }
        for method in ["POST", "HEAD", "DELETE", "get"] {
            assert_eq!(status(format!("{method} /metrics HTTP/1.1\r\n\r\n").as_bytes()), 405, "{method}");
        }
        assert_eq!(status(b"\x16\x03\x01\x02\x00\x01\x00"), 400);
        assert_eq!(status(b"GET /metrics HTTP/3.0\r\n\r\n"), 400);
        let fields = "X: y\r\n".repeat(MOST_FIELDS + 1);
        assert_eq!(status(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()), 431);
        let long = format!("GET /{}", "x".repeat(LONGEST_HEAD));
        assert_eq!(status(&long.as_bytes()[..LONGEST_HEAD]), 431);
    }

    proptest! {
        #[test]
        fn a_request_is_understood_at_its_last_byte_and_not_before(cut in 0..60usize) {
            let head = b"GET /readyz HTTP/1.1\r\nHost: pod\r\nAccept: */*\r\n\r\n";
            let seen = read(&head[..cut.min(head.len())]);
            prop_assert_eq!(seen, (cut >= head.len()).then_some(Ok(Route::Readyz)));
        }

        #[test]
        fn any_bytes_are_survived(head in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&head);
        }
    }
}
