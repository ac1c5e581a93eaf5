//! Lines for people: `TIME LEVEL event field=value …: message`.

use std::fmt::{Display, Write};
use std::time::Duration;

use log::Record;

use super::{SECONDS, one_line, visit};

/// Room for most lines, so that they are not moved while they grow.
const USUAL_LENGTH: usize = 160;

/// The record as one line, without its end.
pub(super) fn line(time: &dyn Display, record: &Record<'_>) -> String {
    let mut line = String::with_capacity(USUAL_LENGTH);
    // Writing to a string cannot fail.
    let _ = write!(line, "{time} {:<5} {}", record.level(), record.args());
    let message = visit(record, |key, value| {
        let seconds = key.strip_suffix(SECONDS).and_then(|key| Some((key, value.to_f64()?)));
        if let Some((key, seconds)) = seconds {
            let _ = write!(line, " {key}={}", human(seconds));
        } else {
            line.push(' ');
            line.push_str(key);
            line.push('=');
            let begin = line.len();
            let _ = write!(line, "{value}");
            quote(&mut line, begin);
        }
    });
    if let Some(message) = message {
        line = line + ": " + &message;
    }
    one_line(line)
}

/// Quotes the value that begins there, if a blank in it would make it look like two.
fn quote(line: &mut String, begin: usize) {
    let value = &line[begin..];
    let is_plain = |c: char| !c.is_whitespace() && c != '"';
    let is_usual = value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if value.is_empty() || !(is_usual || value.chars().all(is_plain)) {
        let quoted = format!("{value:?}");
        line.truncate(begin);
        line.push_str(&quoted);
    }
}

/// A duration as people read it.
fn human(seconds: f64) -> String {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let micros = duration.as_micros();
    match micros {
        0..10_000 => format!("{micros}us"),
        10_000..10_000_000 => format!("{}ms", micros / 1000),
        _ => format!("{}s", micros / 1_000_000),
    }
}
