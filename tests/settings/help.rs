//! What it says of itself.

use std::collections::BTreeMap;

use crate::{flag, sidecar};

/// Every setting with its default, in the order of the help.
const SETTINGS: &[(&str, Option<&str>)] = &[
    ("CONFIG_DIR", None),
    ("PROCESS_NAME", None),
    ("RELOAD_SIGNAL", Some("SIGHUP")),
    ("VERBOSE", Some("false")),
    ("PROCESS_SELECT", Some("root")),
    ("PROCESS_PID_FILE", None),
    ("QUIET_PERIOD", Some("100ms")),
    ("MAX_WAIT", Some("2s")),
    ("IGNORE", None),
    ("MIN_INTERVAL", Some("0s")),
    ("RECURSIVE", Some("false")),
    ("INITIAL_RELOAD", Some("auto")),
    ("RESYNC_INTERVAL", Some("60s")),
    ("SIGNAL_GUARD", Some("wait")),
    ("EXIT_WITH_TARGET", Some("false")),
    ("LISTEN_ADDR", None),
    ("LOG_FORMAT", Some("text")),
    ("LOG_LEVEL", Some("info")),
];

fn output(arguments: &[&str]) -> String {
    let output = sidecar().args(arguments).assert().success().get_output().clone();
    assert!(output.stderr.is_empty(), "nothing is wrong");
    String::from_utf8(output.stdout).unwrap()
}

/// The help as flag → all that is said of it.
fn options(help: &str) -> BTreeMap<String, String> {
    let mut options: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in help.lines().skip_while(|line| *line != "Options:").skip(1) {
        if !line.is_empty() && !line.starts_with(' ') {
            break;
        }
        if let Some(start) = line.find("--").filter(|start| line[..*start].len() <= "  -h, ".len()) {
            let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
            line[start..].split(is_end).next().unwrap_or_default().clone_into(&mut current);
        }
        options.entry(current.clone()).or_default().push_str(line);
    }
    options
}

#[test]
fn help_lists_every_setting_with_both_spellings_and_its_default() {
    let mut options = options(&output(&["--help"]));
    for (variable, default) in SETTINGS {
        let text = options.remove(&flag(variable)).unwrap_or_else(|| panic!("{variable} has no flag"));
        assert!(text.contains(&format!("[env: {variable}]")), "{text}");
        let shown = text.split_once("[default: ").map(|(_, rest)| rest.trim_end_matches(']'));
        assert_eq!(shown, *default, "{text}");
    }
    let rest: Vec<String> = options.into_keys().collect();
    assert_eq!(rest, ["--help", "--version"], "settings that this table does not know");
}

#[test]
fn help_says_which_settings_are_mandatory() {
    let mut options = options(&output(&["--help"]));
    let text = |variable: &str, options: &mut BTreeMap<_, String>| options.remove(&flag(variable)).unwrap();
    assert!(text("CONFIG_DIR", &mut options).contains("mandatory"));
    assert!(text("PROCESS_NAME", &mut options).contains("mandatory unless PROCESS_PID_FILE"));
}

#[test]
fn the_short_help_lists_every_setting() {
    let short = output(&["-h"]);
    for (variable, _) in SETTINGS {
        assert!(short.contains(&flag(variable)) && short.contains(variable), "{variable} in {short}");
    }
}

#[test]
fn help_is_the_same_whatever_is_set() {
    let plain = output(&["--help"]);
    let mut command = sidecar();
    for (variable, _) in SETTINGS {
        command.env(variable, "secret value");
    }
    let set = command.arg("--help").assert().success().get_output().clone();
    assert_eq!(String::from_utf8(set.stdout).unwrap(), plain);
}

#[test]
fn the_defaults_that_help_tells_are_accepted() {
    let mut command = crate::sidecar_with_mandatory();
    for (variable, default) in SETTINGS {
        if let Some(default) = default {
            command.arg(crate::flag_with(variable, default));
        }
    }
    // Whether they are shows in what is refused instead.
    let missing = crate::flag_with("CONFIG_DIR", "/does/not/exist");
    let line = crate::refusal(command.arg(missing), 1);
    assert!(line.starts_with("/does/not/exist does not exist"), "{line}");
}

#[test]
fn version_is_that_of_the_package() {
    let expected = concat!("config-reloader-sidecar ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(output(&["--version"]), expected);
    assert_eq!(output(&["-V"]), expected);
}
