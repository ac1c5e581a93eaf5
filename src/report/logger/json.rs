//! Lines for programs: one JSON object each; `time`, `level` and `event` first, the message last.

use std::fmt::Display;

use log::Record;
use log::kv::Value;
use serde_json::Value as Json;

use super::{MESSAGE, visit};

/// The record as one line, without its end.
pub(super) fn line(time: &dyn Display, record: &Record<'_>) -> String {
    let mut line = String::from("{");
    let mut field = |key: &str, value: Json| {
        let separator = if line.len() > 1 { "," } else { "" };
        line = format!("{line}{separator}{}:{value}", Json::from(key));
    };
    field("time", time.to_string().into());
    field("level", record.level().as_str().to_ascii_lowercase().into());
    field("event", record.args().to_string().into());
    let message = visit(record, |key, value| field(key, json(value)));
    if let Some(message) = message {
        field(MESSAGE, message.into());
    }
    line + "}"
}

fn json(value: &Value<'_>) -> Json {
    if let Some(truth) = value.to_bool() {
        truth.into()
    } else if let Some(whole) = value.to_i64() {
        whole.into()
    } else if let Some(number) = value.to_f64() {
        number.into()
    } else {
        value.to_string().into()
    }
}
