use log::kv::Source;
use log::{Level, Record};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::{json, one_line, text};

fn lines(fields: &dyn Source) -> (String, Json) {
    let record = Record::builder().args(format_args!("sent")).level(Level::Info).key_values(&fields).build();
    let time = &"2026-01-02T03:04:05.678Z";
    (text::line(time, &record), serde_json::from_str(&json::line(time, &record)).unwrap())
}

#[test]
fn a_message_is_one_line() {
    assert_eq!(one_line("a\nb\u{1b}[31m\tc é".into()), "a\\nb\\u{1b}[31m\\tc é");
}

#[test]
fn a_record_is_a_line_for_people_and_an_object_for_programs() {
    let fields: [(&str, log::kv::Value<'_>); 5] = [
        ("pid", 7.into()),
        ("process", "my app".into()),
        ("message", "because".into()),
        ("counts", true.into()),
        ("after_seconds", 0.000_553.into()),
    ];
    let (text, object) = lines(&fields);
    let expected =
        r#"2026-01-02T03:04:05.678Z INFO  sent pid=7 process="my app" counts=true after=553us: because"#;
    assert_eq!(text, expected);
    let expected = serde_json::json!({
        "time": "2026-01-02T03:04:05.678Z", "level": "info", "event": "sent",
        "pid": 7, "process": "my app", "counts": true, "after_seconds": 0.000_553, "message": "because",
    });
    assert_eq!(object, expected);
}

#[test]
fn durations_are_rounded_down_to_what_people_read() {
    for (seconds, expected) in [
        (0.0, "0us"),
        (0.009_999, "9999us"),
        (0.01, "10ms"),
        (9.999, "9999ms"),
        (10.9, "10s"),
        (3600.0, "3600s"),
    ] {
        let (text, _) = lines(&[("since_seconds", seconds)]);
        assert!(text.ends_with(&format!(" since={expected}")), "{text}");
    }
}

proptest! {
    #[test]
    fn any_value_is_one_line_and_one_string(value in any::<String>()) {
        let (text, object) = lines(&[("path", value.as_str())]);
        prop_assert!(!text.chars().any(char::is_control), "{text:?}");
        prop_assert_eq!(&object["path"], &Json::from(value));
    }
}
