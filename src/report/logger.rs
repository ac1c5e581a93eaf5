//! Log lines on standard error, each written at once.

use std::io::Write;
use std::time::SystemTime;

use log::{LevelFilter, Log, Metadata, Record};

struct Logger;

static LOGGER: Logger = Logger;

/// Starts logging; a second call changes the level only.
pub fn init(level: LevelFilter) {
    // Fails only if a logger is set already, which then is this one.
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(level);
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let time = humantime::format_rfc3339_millis(SystemTime::now());
            let message = record.args().to_string();
            let line = format!("{time} {:<5} {}\n", record.level(), one_line(&message));
            // There is nobody to tell that the log cannot be written.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// A file's name may hold a line break or a terminal's escape; the log must not.
pub(crate) fn one_line(message: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    message.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m\tc é"), "a\\nb\\u{1b}[31m\\tc é");
    }
}
