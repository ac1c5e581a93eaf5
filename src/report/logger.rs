//! Log lines on standard error, each written at once.
//!
//! A record is an event's name, fields, and perhaps a message for people: what is wrong, and what to change.

mod json;
mod text;

use std::io::Write;
use std::time::SystemTime;

use log::kv::{self, Key, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};

use crate::settings::LogFormat;

/// The field that is written for people.
const MESSAGE: &str = "message";

/// A field of this ending is a number of seconds.
const SECONDS: &str = "_seconds";

struct Logger(LogFormat);

static TEXT: Logger = Logger(LogFormat::Text);
static JSON: Logger = Logger(LogFormat::Json);

/// Starts logging; a second call changes the level only.
pub fn init(format: LogFormat, level: LevelFilter) {
    let logger = match format {
        LogFormat::Text => &TEXT,
        LogFormat::Json => &JSON,
    };
    // Fails only if a logger is set already.
    let _ = log::set_logger(logger);
    log::set_max_level(level);
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let time = humantime::format_rfc3339_millis(SystemTime::now());
            let mut line = match self.0 {
                LogFormat::Text => text::line(&time, record),
                LogFormat::Json => json::line(&time, record),
            };
            line.push('\n');
            // There is nobody to tell that the log cannot be written.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Calls `each` for every field in the order of the record, the message aside, and returns the message.
fn visit<'kvs>(record: &'kvs Record<'kvs>, each: impl FnMut(&str, &Value<'kvs>)) -> Option<String> {
    struct Visitor<F>(F, Option<String>);
    impl<'kvs, F: FnMut(&str, &Value<'kvs>)> VisitSource<'kvs> for Visitor<F> {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
            if key.as_str() == MESSAGE {
                self.1 = Some(value.to_string());
            } else {
                (self.0)(key.as_str(), &value);
            }
            Ok(())
        }
    }
    let mut visitor = Visitor(each, None);
    // Neither the fields nor the visitor fail.
    let _ = record.key_values().visit(&mut visitor);
    visitor.1
}

/// A file's name may hold a line break or a terminal's escape; the log must not.
pub(crate) fn one_line(message: String) -> String {
    if message.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return message;
    }
    let mut line = String::with_capacity(message.len());
    for c in message.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

#[cfg(test)]
mod tests;
