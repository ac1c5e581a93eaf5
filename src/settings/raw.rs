//! Settings as they are given: an environment variable and a flag each, a flag wins.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What there is to know of a setting before it is given.
#[derive(Debug)]
pub struct Setting {
    /// Its environment variable; the flag is made of it.
    pub variable: &'static str,
    /// What stands for its value in the help.
    pub value_name: &'static str,
    /// Its default; empty where there is none.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
}

/// The value name of settings whose flag may stand alone.
const BOOL: &str = "BOOL";

impl Setting {
    /// The flag, without its dashes: `CONFIG_DIR` is `config-dir`.
    pub fn flag(&self) -> String {
        self.variable.to_ascii_lowercase().replace('_', "-")
    }

    /// Whether the flag alone means `true`.
    pub fn is_switch(&self) -> bool {
        self.value_name == BOOL
    }
}

/// Makes a constant of each setting, and the list of all, in the order of the help.
macro_rules! settings {
    ($($variable:ident, $value_name:expr, $default:literal, $help:literal;)*) => {
        $(pub(super) const $variable: Setting = Setting {
            variable: stringify!($variable),
            value_name: $value_name,
            default: $default,
            help: $help,
        };)*

        /// Every setting, in the order of the help.
        pub const SETTINGS: &[Setting] = &[$($variable),*];
    };
}

settings! {
    CONFIG_DIR, "PATHS", "", "Directories (or single files) to watch; mandatory";
    PROCESS_NAME, "NAME", "", "Name of the process to signal; mandatory unless PROCESS_PID_FILE is given";
    RELOAD_SIGNAL, "SIGNAL", "SIGHUP", "Signal to send: SIGHUP, hup, 1, SIGRTMIN+3, RTMAX-1";
    VERBOSE, BOOL, "false", "Log every file event";
    PROCESS_SELECT, "MODE", "root", "Which of several matches: root (no ancestor matches), all, oldest, newest";
    PROCESS_PID_FILE, "FILE", "", "Read the PID from this file; with PROCESS_NAME, accept only a process of that name";
    QUIET_PERIOD, "DURATION", "100ms", "How long anything but a kubelet volume must be quiet before it counts as changed";
    MAX_WAIT, "DURATION", "2s", "A path that never becomes quiet counts as changed after this long";
    MIN_INTERVAL, "DURATION", "0s", "Least time between two reloads; changes in between are merged into one";
    RECURSIVE, BOOL, "false", "Watch subdirectories too";
    IGNORE, "GLOBS", "", "Globs of names that never count; one without a slash matches at any depth";
    INITIAL_RELOAD, "MODE", "auto", "At start: auto (only if the configuration is newer than the target), always, never";
    RESYNC_INTERVAL, "DURATION", "60s", "Look again even without an event; 0s turns it off";
    SIGNAL_GUARD, "MODE", "wait", "wait: hold the signal back until the target handles it; off: send at once, even if it kills";
    EXIT_WITH_TARGET, BOOL, "false", "Exit with status 0 when the target, once seen, is gone for good (Jobs)";
    LISTEN_ADDR, "ADDRESS", "", "Address of /metrics, /healthz and /readyz: :9533, 127.0.0.1:9533, [::1]:9533; off without one";
    LOG_FORMAT, "FORMAT", "text", "Log lines: text, or json (one object a line)";
    LOG_LEVEL, "LEVEL", "info", "error, warn, info, debug or trace";
}

/// The values that were given, by variable.
#[derive(Debug, Clone, Default)]
pub struct RawSettings {
    given: BTreeMap<&'static str, OsString>,
}

impl RawSettings {
    /// What the environment gives.
    pub fn from_env() -> Self {
        let given = |setting: &Setting| Some((setting.variable, std::env::var_os(setting.variable)?));
        Self { given: SETTINGS.iter().filter_map(given).collect() }
    }

    /// Gives a value in place of an earlier one.
    pub fn set(&mut self, setting: &Setting, value: impl Into<OsString>) {
        self.given.insert(setting.variable, value.into());
    }

    /// The value as it was given; empty if it was not.
    pub(super) fn get(&self, setting: &Setting) -> &OsStr {
        self.given.get(setting.variable).map_or(OsStr::new(""), OsString::as_os_str)
    }
}
