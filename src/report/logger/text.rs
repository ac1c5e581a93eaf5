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
        let (key, value) = match (key.strip_suffix(SECONDS), value.to_f64()) {
            (Some(key), Some(seconds)) => (key, human(seconds)),
            _ => (key, quoted(value.to_string())),
        };
        let _ = write!(line, " {key}={value}");
    });
    if let Some(message) = message {
        line = line + ": " + &message;
    }
    one_line(line)
}

/// A value with a blank in it would look like two.
fn quoted(value: String) -> String {
    let is_plain = |c: char| !c.is_whitespace() && c != '"';
    if !value.is_empty() && value.chars().all(is_plain) { value } else { format!("{value:?}") }
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
