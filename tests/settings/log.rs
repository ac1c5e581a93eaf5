//! What it logs, and what it does not.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sidecar_testkit::kubelet::{Volume, payload};
use sidecar_testkit::target::Target;

use crate::support::{Builder, DEADLINE, Sidecar, WakeUps, unique_name};

/// A target that is ready, and what a sidecar for it is started with.
fn scene(watched: &Path) -> (Target, Builder) {
    let name = unique_name();
    let target = Target::builder().named(&name).spawn().unwrap();
    (target, Sidecar::builder().config_dir(watched).process_name(&name))
}

fn is_event_of(line: &str, kind: &str, path: &Path) -> bool {
    line.contains(&format!(" file-event kind={kind} path={} counts=", path.display()))
}

#[test]
fn verbose_logs_every_file_event() {
    let dir = tempfile::tempdir().unwrap();
    let (target, builder) = scene(dir.path());
    let sidecar = builder.env("VERBOSE", "true").env("IGNORE", "*.bak").spawn();
    let (file, moved, ignored) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c.bak"));
    fs::write(&file, "1").unwrap();
    fs::rename(&file, &moved).unwrap();
    fs::write(&ignored, "1").unwrap();
    fs::remove_file(&moved).unwrap();
    let expected = [("Written", &file), ("Gone", &file), ("Appeared", &moved), ("Gone", &moved)];
    sidecar.wait_for_log(&format!(" file-event kind=Gone path={}", moved.display()), DEADLINE);
    let events = sidecar.log_lines(" file-event ");
    for (kind, path) in expected {
        assert!(events.iter().any(|line| is_event_of(line, kind, path) && line.ends_with("counts=true")));
    }
    let of_ignored: Vec<&String> = events.iter().filter(|line| line.contains("/c.bak ")).collect();
    assert!(
        !of_ignored.is_empty() && of_ignored.iter().all(|line| line.ends_with("counts=false")),
        "{of_ignored:?}"
    );
    // It logs events whether or not they come to something.
    fs::write(&moved, "2").unwrap();
    target.wait_for_signals(1, DEADLINE);
}

#[test]
fn verbose_logs_every_event_of_a_swap() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(dir.path(), &payload([("a", "1")])).unwrap();
    let (target, builder) = scene(volume.path());
    let sidecar = builder.arg("--verbose").spawn();
    volume.write(&payload([("a", "2"), ("b", "1")])).unwrap();
    target.wait_for_signals(1, DEADLINE);
    for (kind, name) in
        [("Appeared", "..data_tmp"), ("Gone", "..data_tmp"), ("Appeared", "..data"), ("NewLink", "b")]
    {
        sidecar.wait_for_log(
            &format!(" file-event kind={kind} path={} counts=", volume.path().join(name).display()),
            DEADLINE,
        );
    }
}

#[test]
fn nothing_is_logged_while_nothing_happens() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(&dir.path().join("volume"), &payload([("a", "1"), ("b", "1")])).unwrap();
    let (target, builder) = scene(volume.path());
    let sidecar = builder.env("LOG_LEVEL", "info").spawn();
    WakeUps::when_idle(sidecar.pid());
    let before = sidecar.log();
    for _ in 0..100 {
        for name in ["a", "b", "..data/a"] {
            assert_eq!(fs::read(volume.path().join(name)).unwrap(), b"1");
        }
        assert_eq!(fs::read_dir(volume.path()).unwrap().count(), 4, "two keys, two names of the kubelet's");
    }
    let file = File::open(volume.path().join("a")).unwrap();
    file.set_permissions(Permissions::from_mode(0o640)).unwrap();
    // The fence: all that the above could have come to is logged before the change.
    volume.write(&payload([("a", "2"), ("b", "1")])).unwrap();
    assert_eq!(target.wait_for_signals(1, DEADLINE).len(), 1);
    // It logs after it sends.
    sidecar.wait_for_log(" sent signal=", DEADLINE);
    let log = sidecar.log();
    let new = log.strip_prefix(&before).unwrap();
    assert!(new.lines().next().is_some_and(|line| line.contains(" changed ")), "{new}");
}

#[test]
fn the_level_silences_what_is_less_severe() {
    for (level, severities) in
        [("error", &[][..]), ("warn", &["WARN"]), ("info", &["INFO", "WARN"]), ("ERROR", &[])]
    {
        let (dir, run) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let volume = Volume::create(dir.path(), &payload([("a", "1")])).unwrap();
        let (target, builder) = scene(volume.path());
        let pid_file = run.path().join("pid");
        let builder = builder.env("LOG_LEVEL", level).env("PROCESS_PID_FILE", &pid_file);
        // Ready is what it does not say at every level.
        let sidecar = builder.spawn_unready();
        WakeUps::when_idle(sidecar.pid());
        fs::write(&pid_file, target.pid().to_string()).unwrap();
        volume.write(&payload([("a", "2")])).unwrap();
        target.wait_for_signals(1, DEADLINE);
        // The fence: what it has to say of a change is said before the next one.
        volume.write(&payload([("a", "3")])).unwrap();
        target.wait_for_signals(2, DEADLINE);
        let log = sidecar.log();
        for line in log.lines() {
            let severity = line.split_ascii_whitespace().nth(1).unwrap_or_default();
            assert!(severities.contains(&severity), "at level {level}: {line}");
        }
        for severity in severities {
            assert!(log.contains(&format!(" {severity:<5} ")), "no {severity} at level {level}:\n{log}");
        }
    }
}

#[test]
fn a_name_with_a_line_break_does_not_break_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let (target, builder) = scene(dir.path());
    let sidecar = builder.arg("--verbose").spawn();
    fs::write(dir.path().join("a\n\u{1b}[31mb"), "1").unwrap();
    target.wait_for_signals(1, DEADLINE);
    let lines = sidecar.wait_for_log_lines("[31mb", 2, DEADLINE);
    assert!(lines.iter().all(|line| line.contains("a\\n\\u{1b}[31mb")), "{lines:?}");
    assert!(
        sidecar
            .log()
            .lines()
            .all(|line| line.contains(" INFO ") || line.contains(" problem code=path-empty ")),
        "{}",
        sidecar.log()
    );
}

/// The fields of an object, apart from those that every one has.
fn fields(line: &str) -> (String, Vec<String>) {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
    let time = object["time"].as_str().unwrap();
    assert!(time.len() == "2026-01-02T03:04:05.678Z".len() && time.ends_with('Z'), "{time}");
    assert!(["info", "warn"].contains(&object["level"].as_str().unwrap()), "{line}");
    let own = object.keys().filter(|key| !["time", "level", "event"].contains(&key.as_str()));
    (object["event"].as_str().unwrap().to_owned(), own.cloned().collect())
}

/// The README's table of events.
fn documented() -> BTreeMap<String, Vec<String>> {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("### Log lines").unwrap();
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with("| `"));
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    rows.map(|row| row.split(" | ").collect::<Vec<_>>())
        .map(|cells| (names(cells[0]).remove(0), names(cells[1])))
        .collect()
}

#[test]
fn json_has_an_object_a_line_with_the_fields_that_the_readme_tells() {
    let (dir, run) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let volume = Volume::create(&dir.path().join("volume"), &payload([("a", "1")])).unwrap();
    let pid_file = run.path().join("pid");
    let target = Target::builder().spawn().unwrap();
    let builder = Sidecar::builder().config_dir(volume.path()).env("PROCESS_PID_FILE", &pid_file);
    let sidecar = builder.env("LOG_FORMAT", "json").arg("--verbose").spawn();
    volume.write(&payload([("a", "2")])).unwrap();
    sidecar.wait_for_log("\"event\":\"pending\"", DEADLINE);
    fs::write(&pid_file, target.pid().to_string()).unwrap();
    sidecar.wait_for_log("\"event\":\"sent\"", DEADLINE);
    let documented = documented();
    let mut seen = Vec::new();
    for line in sidecar.log().lines() {
        let (event, own) = fields(line);
        let expected = documented.get(&event).unwrap_or_else(|| panic!("the README has no {event}"));
        assert!(own.iter().all(|field| expected.contains(field)), "{event}: {own:?}, not {expected:?}");
        seen.push(event);
    }
    for event in ["watching", "problem", "ready", "file-event", "changed", "pending", "sent"] {
        assert!(seen.iter().any(|name| name == event), "{event} is not in {seen:?}");
    }
}
