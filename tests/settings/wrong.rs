//! Settings that are wrong: status 2, and one line that names the setting, the value and what is
//! accepted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::Sidecar;
use crate::{flag_with, refusal, sidecar, sidecar_with_mandatory};

const DURATION: &str = "a duration of a year at most, as 250ms, 2s, 1m or 0s";

/// Setting, what of the values it accepts, and values that it does not.
const WRONG: &[(&str, &str, &[&str])] = &[
    (
        "RELOAD_SIGNAL",
        "a signal's name with or without SIG, in any case (HUP, sigusr1), a number (1-31, 34-64), \
         SIGRTMIN+n or SIGRTMAX-n (n from 0 to 30)",
        &[
            "SIGFOO",
            "HUPP",
            "SIG",
            "SIGSIGHUP",
            "SIGHUP,SIGUSR1",
            "0",
            "-1",
            "01",
            "1.0",
            "32",
            "33",
            "65",
            "99999999999999999999",
            "SIGRTMIN+31",
            "RTMAX-31",
            "RTMIN-1",
            "RTMIN+",
        ],
    ),
    ("QUIET_PERIOD", DURATION, &["5", "abc", "ms", "-1s", "1 parsec", "9999years", "99999999999999999999s"]),
    ("MAX_WAIT", DURATION, &["1.5", "2s,", "-2s", "forever", "366d"]),
    ("VERBOSE", "true or false", &["maybe", "2", "tru", "truefalse", "-1"]),
    ("PROCESS_SELECT", "one of root, all, oldest, newest", &["first", "roots", "root,all", "1"]),
    ("IGNORE", "globs as `*.bak,token`", &["[", "a***", "ok,[z", "[]"]),
    ("MIN_INTERVAL", DURATION, &["1", "soon"]),
    ("RECURSIVE", "true or false", &["deep"]),
    ("INITIAL_RELOAD", "one of auto, always, never", &["yes", "at start"]),
    ("RESYNC_INTERVAL", DURATION, &["60", "-1s"]),
    ("SIGNAL_GUARD", "one of wait, off", &["on", "false"]),
    ("EXIT_WITH_TARGET", "true or false", &["perhaps"]),
    (
        "LISTEN_ADDR",
        "an address with a port, as :9533, 127.0.0.1:9533 or [::1]:9533",
        &["9533", ":", "localhost:9533", "127.0.0.1", "::1:9533", ":65536"],
    ),
    ("LOG_FORMAT", "one of text, json", &["xml", "logfmt", "1"]),
    ("LOG_LEVEL", "one of error, warn, info, debug, trace", &["loud", "off", "5", "info,debug"]),
    (
        "PROCESS_NAME",
        "a name without a directory, as `nginx`",
        &["/usr/sbin/nginx", "sbin/nginx", "nginx/", "/"],
    ),
];

/// Is this the refusal of that value?
#[track_caller]
fn assert_refused(line: &str, setting: &str, value: &str, accepted: &str) {
    let expected = format!("{setting}={value:?} is not accepted: {accepted}");
    assert!(line.starts_with(&expected), "{line}\nis not\n{expected}");
}

fn all_wrong() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let values = |(setting, accepted, values): &'static (&str, &str, &[&str])| {
        values.iter().map(|value| (*setting, *accepted, *value))
    };
    WRONG.iter().flat_map(values)
}

#[test]
fn values_that_do_not_parse_are_refused_in_the_environment() {
    for (setting, accepted, value) in all_wrong() {
        let line = refusal(sidecar_with_mandatory().env(setting, value), 2);
        assert_refused(&line, setting, value, accepted);
    }
}

#[test]
fn values_that_do_not_parse_are_refused_as_flags() {
    for (setting, accepted, value) in all_wrong() {
        let line = refusal(sidecar_with_mandatory().arg(flag_with(setting, value)), 2);
        assert_refused(&line, setting, value, accepted);
    }
}

#[test]
fn a_mandatory_setting_must_be_there() {
    let table: &[(&str, &str, &str)] = &[
        ("CONFIG_DIR", "PROCESS_NAME", "give the directories (or single files) to watch, comma-separated"),
        (
            "PROCESS_NAME",
            "CONFIG_DIR",
            "give the name of the process to signal, or its PID file in PROCESS_PID_FILE",
        ),
    ];
    for (missing, given, accepted) in table {
        let expected = format!("{missing} is not set: {accepted}");
        assert_eq!(refusal(sidecar().env(given, "app"), 2), expected);
        for blank in ["", " ", "\t\n"] {
            let mut command = sidecar();
            command.env(given, "app").env(missing, blank);
            assert_eq!(refusal(&mut command, 2), expected, "{blank:?} in the environment");
            let mut command = sidecar();
            command.env(given, "app").arg(flag_with(missing, blank));
            assert_eq!(refusal(&mut command, 2), expected, "{blank:?} as a flag");
        }
    }
    let line = refusal(sidecar().env("PROCESS_NAME", "app").env("CONFIG_DIR", " , ,,"), 2);
    assert!(line.starts_with("CONFIG_DIR is not set: "), "a list of nothing: {line}");
}

#[test]
fn an_empty_pid_file_does_not_stand_in_for_the_name() {
    let line = refusal(sidecar().env("CONFIG_DIR", "/").env("PROCESS_PID_FILE", ""), 2);
    assert!(line.starts_with("PROCESS_NAME is not set: "), "{line}");
}

#[test]
fn max_wait_must_not_be_shorter_than_the_quiet_period() {
    let accepted = "a duration that is not shorter than QUIET_PERIOD";
    let line = refusal(sidecar_with_mandatory().env("MAX_WAIT", "99ms"), 2);
    assert_refused(&line, "MAX_WAIT", "99ms", accepted);
    let line = refusal(sidecar_with_mandatory().env("QUIET_PERIOD", "3s"), 2);
    assert_refused(&line, "MAX_WAIT", "2s", accepted);
}

#[test]
fn what_is_no_setting_is_refused() {
    let table: &[(&[&str], &str)] = &[
        (&["--foo"], "--foo"),
        (&["--confg-dir=/etc"], "--confg-dir"),
        (&["--verbose", "true"], "true"),
        (&["-x"], "-x"),
        (&["nginx"], "nginx"),
        (&["--reload-signal"], "--reload-signal"),
        (&["--log-level=info", "--log-level=warn"], "--log-level"),
    ];
    for (arguments, named) in table {
        let line = refusal(sidecar_with_mandatory().args(*arguments), 2);
        assert!(line.contains(&format!("'{named}")) && line.ends_with("--help lists the settings"), "{line}");
    }
}

#[test]
fn values_that_are_not_utf8_are_refused_where_they_are_text() {
    let odd = OsStr::from_bytes(b"\xffSIGHUP");
    let text = WRONG.iter().map(|(setting, _, _)| *setting);
    for setting in text {
        for line in [
            refusal(sidecar_with_mandatory().env(setting, odd), 2),
            refusal(sidecar_with_mandatory().arg(flag_with(setting, odd)), 2),
        ] {
            assert_refused(&line, setting, "\u{fffd}SIGHUP", "UTF-8 text");
        }
    }
}

#[test]
fn a_flag_that_is_not_utf8_is_one_line() {
    let line = refusal(sidecar_with_mandatory().arg(OsStr::from_bytes(b"--\xff\n\x1b[31m")), 2);
    assert!(!line.contains('\u{1b}'), "{line:?} reaches the terminal");
}

#[test]
fn a_right_flag_wins_over_a_wrong_variable() {
    let dir = tempfile::tempdir().unwrap();
    let right: &[(&str, &str)] = &[
        ("RELOAD_SIGNAL", "usr1"),
        ("VERBOSE", "no"),
        ("PROCESS_SELECT", "all"),
        ("QUIET_PERIOD", "20ms"),
        ("MAX_WAIT", "1s"),
        ("IGNORE", "*.bak"),
        ("LOG_FORMAT", "text"),
        ("LOG_LEVEL", "info"),
        ("PROCESS_NAME", "no-such-process-of-the-flag"),
    ];
    let mut builder = Sidecar::builder().env("CONFIG_DIR", "/no/such/path");
    for (setting, value) in right {
        let wrong = all_wrong().find(|(name, ..)| name == setting).unwrap().2;
        builder = builder.env(setting, wrong).arg(flag_with(setting, value));
    }
    let sidecar = builder.arg(flag_with("CONFIG_DIR", dir.path())).spawn();
    sidecar.wait_for_log("no-such-process-of-the-flag", crate::support::DEADLINE);
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let dir = tempfile::tempdir().unwrap();
    let name = crate::support::unique_name();
    let target = sidecar_testkit::target::Target::builder().named(&name).spawn().unwrap();
    let mut builder = Sidecar::builder().config_dir(dir.path()).process_name(&name);
    for setting in ["RELOAD_SIGNAL", "VERBOSE", "PROCESS_SELECT", "PROCESS_PID_FILE", "QUIET_PERIOD"] {
        builder = builder.env(setting, "");
    }
    for setting in ["MAX_WAIT", "IGNORE", "LISTEN_ADDR", "LOG_FORMAT", "LOG_LEVEL"] {
        builder = builder.env(setting, " ");
    }
    let sidecar = builder.spawn();
    sidecar.wait_for_log("signal=SIGHUP", crate::support::DEADLINE);
    std::fs::write(dir.path().join("new"), "1").unwrap();
    let signals = target.wait_for_signals(1, crate::support::DEADLINE);
    assert_eq!(signals[0].signal, 1);
    assert!(sidecar.log_lines(" file-event ").is_empty(), "VERBOSE is off");
}
