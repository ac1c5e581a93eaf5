//! How the findings are written.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;
use sidecar_testkit::counter::Mode;

use crate::support::plain_dir;
use crate::{Pod, found};

/// The names of all fields, by the object that they are in.
fn fields(value: &Value, at: &str, found: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Object(object) => {
            found.entry(at.to_owned()).or_insert_with(|| object.keys().cloned().collect());
            for (name, value) in object {
                fields(value, &format!("{at}.{name}"), found);
            }
        }
        Value::Array(array) => array.iter().for_each(|value| fields(value, at, found)),
        _ => {}
    }
}

#[test]
fn the_names_of_the_fields_stay() {
    let pod = Pod::with(|target| target.mode(Mode::Ignore));
    // A second path that is missing, so that there is a problem.
    let found = found(pod.check().config_dir("/no/such/path").env("PROCESS_SELECT", "all"));
    let mut names = BTreeMap::new();
    fields(&found.json, "", &mut names);
    let expected: &[(&str, &[&str])] = &[
        ("", &["facts", "ok", "problems"]),
        (".facts", &["inotify", "pid_namespace", "processes", "signal", "watched_paths"]),
        (".facts.inotify", &["can_watch", "failure", "max_user_instances", "max_user_watches"]),
        (".facts.pid_namespace", &["id", "others", "own_pid", "started_by"]),
        (
            ".facts.processes",
            &[
                "closest",
                "matches",
                "name",
                "near_misses",
                "pid_file",
                "pid_file_error",
                "select",
                "table_error",
            ],
        ),
        (".facts.processes.closest", &["likely", "name", "pids"]),
        (".facts.processes.matches", &["by", "chosen", "name", "pid", "why_not"]),
        (".facts.signal", &["cap_kill", "effective_uid", "guard", "real_uid", "signal", "targets"]),
        (
            ".facts.signal.targets",
            &["handling", "name", "permitted", "pid", "real_uid", "refusal", "saved_uid"],
        ),
        (
            ".facts.watched_paths",
            &[
                "digest",
                "entries",
                "error",
                "kind",
                "kubelet_volume",
                "path",
                "readable",
                "sub_paths",
                "unreadable",
            ],
        ),
        (".problems", &["code", "mend", "severity", "subject", "what"]),
    ];
    let names: Vec<(&str, Vec<&str>)> =
        names.iter().map(|(at, fields)| (at.as_str(), fields.iter().map(String::as_str).collect())).collect();
    let expected: Vec<(&str, Vec<&str>)> =
        expected.iter().map(|(at, fields)| (*at, fields.to_vec())).collect();
    assert_eq!(names, expected);
    assert_eq!(
        (found.codes("wrong"), found.codes("warning")),
        (vec!["path-missing"], vec!["signal-ignored"])
    );
}

#[test]
fn the_text_has_a_section_for_each_thing_and_says_who_would_be_signalled() {
    let pod = Pod::new();
    let ended = pod.check().run();
    assert_eq!((ended.status.code(), &*ended.log), (Some(0), ""));
    let sections: Vec<&str> =
        ended.output.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).collect();
    let ok = format!("OK: a change would be delivered now: SIGHUP to {}", pod.title());
    assert_eq!(sections, ["Watched paths", "Processes", "Signal", "inotify", "PID namespace", &ok]);
    let path = format!("  {}: directory, no kubelet volume, no subPath, readable", pod.dir.path().display());
    assert!(ended.output.contains(&path), "{}", ended.output);
    assert!(ended.output.contains(&format!("  {}: matches by argv[0]; chosen", pod.title())));
    assert!(ended.output.contains(": user 0 (saved 0), permitted, it has a handler"), "{}", ended.output);
}

#[test]
fn the_text_lists_each_problem_with_its_mend() {
    let pod = Pod::new();
    let ended = pod.check().config_dir("/no/such/path").process_name("no-such-name").run();
    assert_eq!((ended.status.code(), &*ended.log), (Some(1), ""));
    let wrong: Vec<&str> = ended.output.lines().skip_while(|line| *line != "Wrong:").collect();
    assert_eq!(wrong.len(), 5, "{wrong:?}");
    assert_eq!(wrong[1], "  1. path-missing: /no/such/path does not exist");
    assert_eq!(wrong[2], "     mend: mount it, or correct CONFIG_DIR");
    assert!(wrong[3].starts_with("  2. no-match: ") && wrong[4].starts_with("     mend: "), "{wrong:?}");
    assert!(!ended.output.contains("OK: "));
}

#[test]
fn names_that_would_write_to_a_terminal_are_escaped_and_those_that_are_no_utf8_are_shown() {
    let pod = Pod::new();
    let odd = plain_dir(&pod.dir.path().join("a\n\u{1b}[31mb"), &[("a", "1")]);
    let no_utf8 = plain_dir(&pod.dir.path().join(OsStr::from_bytes(b"\xff")), &[("a", "1")]);
    let ended = pod.check().config_dir(&odd).config_dir(&no_utf8).run();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.output);
    assert!(ended.output.contains(r"a\n\u{1b}[31mb: directory"), "{}", ended.output);
    assert!(!ended.output.contains('\u{1b}') && ended.output.contains("\u{fffd}: directory"));
    let found = found(pod.check().config_dir(&odd).config_dir(&no_utf8));
    found.ok();
    assert_eq!(found.facts("watched_paths")[1]["path"], odd.to_str().unwrap());
}
