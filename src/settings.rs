//! Settings: raw strings from flags and environment, validated once, parsed nowhere else.

mod ignore;
mod listen_addr;
mod raw;
mod reload_signal;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

pub use ignore::IgnoreGlobs;
pub use listen_addr::ListenAddr;
pub use raw::{RawSettings, SETTINGS, Setting};
pub use reload_signal::{ReloadSignal, UnknownSignal};

/// What the program was asked to do; every value in it is valid.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Absolute paths of directories and files to watch, each once, in the order given.
    pub config_dir: Vec<PathBuf>,
    /// How the target is found.
    pub target: TargetSpec,
    /// Which of several matching processes are targets.
    pub process_select: ProcessSelect,
    /// The signal that makes the target reload.
    pub reload_signal: ReloadSignal,
    /// How long a plain directory must be quiet before it counts as changed.
    pub quiet_period: Duration,
    /// After how long a directory that never gets quiet counts as changed all the same.
    pub max_wait: Duration,
    /// Least time between two reloads.
    pub min_interval: Duration,
    /// Whether subdirectories are watched too.
    pub recursive: bool,
    /// Names below a watched directory that never count.
    pub ignore: IgnoreGlobs,
    /// What to do about the configuration that is there at start.
    pub initial_reload: InitialReload,
    /// How often to look without an event; `None` is never.
    pub resync_interval: Option<Duration>,
    /// Whether a signal that would kill or stop the target is held back.
    pub signal_guard: SignalGuard,
    /// Whether to exit when the target, once seen, is gone for good.
    pub exit_with_target: bool,
    /// Whether every file event is logged.
    pub verbose: bool,
    /// Where metrics, liveness and readiness are served; `None` is nowhere.
    pub listen_addr: Option<ListenAddr>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// The least severe level that is logged.
    pub log_level: log::LevelFilter,
}

/// How the target is found: by name, by PID file, or by a PID file whose process bears the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSpec {
    /// Name that the process must bear (contract 4).
    pub name: Option<String>,
    /// File that holds the PID; without it all processes are looked through.
    pub pid_file: Option<PathBuf>,
}

/// Which of several matching processes are targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessSelect {
    /// Matches none of whose ancestors match: a master, not its workers.
    Root,
    /// Every match.
    All,
    /// The match that started first.
    Oldest,
    /// The match that started last.
    Newest,
}

const SELECT_MODES: [(&str, ProcessSelect); 4] = [
    ("root", ProcessSelect::Root),
    ("all", ProcessSelect::All),
    ("oldest", ProcessSelect::Oldest),
    ("newest", ProcessSelect::Newest),
];

impl ProcessSelect {
    /// Its value in `PROCESS_SELECT`.
    pub fn name(self) -> &'static str {
        name_of(self, &SELECT_MODES)
    }
}

/// What to do about the configuration that is there at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialReload {
    /// Reload the targets that started before it changed last.
    Auto,
    /// Reload.
    Always,
    /// Take the targets to have it.
    Never,
}

const INITIAL_RELOADS: [(&str, InitialReload); 3] =
    [("auto", InitialReload::Auto), ("always", InitialReload::Always), ("never", InitialReload::Never)];

/// What to do about a signal whose default action would kill or stop a target that does not handle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalGuard {
    /// Hold it back until the target handles it.
    Wait,
    /// Send it.
    Off,
}

const SIGNAL_GUARDS: [(&str, SignalGuard); 2] = [("wait", SignalGuard::Wait), ("off", SignalGuard::Off)];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

impl SignalGuard {
    /// Its value in `SIGNAL_GUARD`.
    pub fn name(self) -> &'static str {
        name_of(self, &SIGNAL_GUARDS)
    }
}

fn name_of<T: Copy + PartialEq>(mode: T, modes: &[(&'static str, T)]) -> &'static str {
    modes.iter().find(|(_, other)| *other == mode).map_or("", |(name, _)| name)
}

/// A setting that cannot be used, with what is accepted in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A mandatory setting is unset or empty.
    #[error("{setting} is not set: {accepted}")]
    Missing {
        /// The setting's environment variable.
        setting: &'static str,
        /// What to give.
        accepted: &'static str,
    },
    /// A value that does not parse.
    #[error("{setting}={value:?} is not accepted: {accepted}")]
    Invalid {
        /// The setting's environment variable.
        setting: &'static str,
        /// The value as given.
        value: String,
        /// What is accepted.
        accepted: String,
    },
}

fn invalid(setting: &Setting, value: impl AsRef<OsStr>, accepted: impl Into<String>) -> SettingError {
    let value = value.as_ref().to_string_lossy().into_owned();
    SettingError::Invalid { setting: setting.variable, value, accepted: accepted.into() }
}

impl TryFrom<&RawSettings> for Settings {
    type Error = SettingError;

    fn try_from(raw: &RawSettings) -> Result<Self, SettingError> {
        let quiet_period = duration(raw, &raw::QUIET_PERIOD)?;
        let max_wait = duration(raw, &raw::MAX_WAIT)?;
        if max_wait < quiet_period {
            let accepted = "a duration that is not shorter than QUIET_PERIOD";
            return Err(invalid(&raw::MAX_WAIT, text(raw, &raw::MAX_WAIT)?, accepted));
        }
        Ok(Self {
            config_dir: watched_paths(raw)?,
            target: target_spec(raw)?,
            process_select: one_of(raw, &raw::PROCESS_SELECT, &SELECT_MODES)?,
            reload_signal: text(raw, &raw::RELOAD_SIGNAL)?.parse().map_err(|e: UnknownSignal| {
                invalid(&raw::RELOAD_SIGNAL, raw.get(&raw::RELOAD_SIGNAL), e.to_string())
            })?,
            quiet_period,
            max_wait,
            min_interval: duration(raw, &raw::MIN_INTERVAL)?,
            recursive: boolean(raw, &raw::RECURSIVE)?,
            ignore: ignore_globs(raw)?,
            initial_reload: one_of(raw, &raw::INITIAL_RELOAD, &INITIAL_RELOADS)?,
            resync_interval: Some(duration(raw, &raw::RESYNC_INTERVAL)?)
                .filter(|interval| !interval.is_zero()),
            signal_guard: one_of(raw, &raw::SIGNAL_GUARD, &SIGNAL_GUARDS)?,
            exit_with_target: boolean(raw, &raw::EXIT_WITH_TARGET)?,
            verbose: boolean(raw, &raw::VERBOSE)?,
            listen_addr: listen_addr(raw)?,
            log_format: one_of(raw, &raw::LOG_FORMAT, &LOG_FORMATS)?,
            log_level: log_level(raw)?,
        })
    }
}

/// The value as trimmed text; an empty one is an unset one.
fn text<'a>(raw: &'a RawSettings, setting: &Setting) -> Result<&'a str, SettingError> {
    let value = raw.get(setting);
    let given = value.to_str().ok_or_else(|| invalid(setting, value, "UTF-8 text"))?.trim();
    Ok(if given.is_empty() { setting.default } else { given })
}

fn list(value: &OsStr) -> impl Iterator<Item = OsString> {
    value
        .as_bytes()
        .split(|byte| *byte == b',')
        .map(|item| OsString::from_vec(item.trim_ascii().to_vec()))
        .filter(|item| !item.is_empty())
}

fn watched_paths(raw: &RawSettings) -> Result<Vec<PathBuf>, SettingError> {
    let mut paths = Vec::new();
    for item in list(raw.get(&raw::CONFIG_DIR)) {
        let absolute = std::path::absolute(&item)
            .map_err(|e| invalid(&raw::CONFIG_DIR, &item, format!("paths of directories or files ({e})")))?;
        // Without a trailing slash: `/etc/nginx/` and `/etc/nginx` are one watched path.
        let path = absolute.components().collect();
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let accepted = "give the directories (or single files) to watch, comma-separated";
        return Err(SettingError::Missing { setting: "CONFIG_DIR", accepted });
    }
    Ok(paths)
}

fn target_spec(raw: &RawSettings) -> Result<TargetSpec, SettingError> {
    let name = text(raw, &raw::PROCESS_NAME)?;
    if name.contains('/') {
        return Err(invalid(&raw::PROCESS_NAME, name, "a name without a directory, as `nginx`"));
    }
    let pid_file = raw.get(&raw::PROCESS_PID_FILE).as_bytes().trim_ascii();
    if name.is_empty() && pid_file.is_empty() {
        let accepted = "give the name of the process to signal, or its PID file in PROCESS_PID_FILE";
        return Err(SettingError::Missing { setting: "PROCESS_NAME", accepted });
    }
    Ok(TargetSpec {
        name: (!name.is_empty()).then(|| name.to_owned()),
        pid_file: (!pid_file.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(pid_file))),
    })
}

fn one_of<T: Copy>(raw: &RawSettings, setting: &Setting, modes: &[(&str, T)]) -> Result<T, SettingError> {
    let given = text(raw, setting)?;
    let mode = modes.iter().find(|(name, _)| name.eq_ignore_ascii_case(given)).map(|(_, mode)| *mode);
    let names: Vec<&str> = modes.iter().map(|(name, _)| *name).collect();
    mode.ok_or_else(|| invalid(setting, raw.get(setting), format!("one of {}", names.join(", "))))
}

fn duration(raw: &RawSettings, setting: &Setting) -> Result<Duration, SettingError> {
    const LONGEST: Duration = Duration::from_hours(24 * 365);
    match humantime::parse_duration(text(raw, setting)?) {
        Ok(parsed) if parsed <= LONGEST => Ok(parsed),
        _ => Err(invalid(setting, raw.get(setting), "a duration of a year at most, as 250ms, 2s, 1m or 0s")),
    }
}

fn boolean(raw: &RawSettings, setting: &Setting) -> Result<bool, SettingError> {
    match text(raw, setting)?.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "on" => Ok(true),
        "false" | "f" | "0" | "no" | "off" => Ok(false),
        _ => Err(invalid(setting, raw.get(setting), "true or false")),
    }
}

fn ignore_globs(raw: &RawSettings) -> Result<IgnoreGlobs, SettingError> {
    let value = raw.get(&raw::IGNORE);
    let items: Option<Vec<_>> = list(value).map(|item| item.into_string().ok()).collect();
    let items = items.ok_or_else(|| invalid(&raw::IGNORE, value, "UTF-8 text"))?;
    IgnoreGlobs::new(&items)
        .map_err(|error| invalid(&raw::IGNORE, value, format!("globs as `*.bak,token` ({error})")))
}

fn listen_addr(raw: &RawSettings) -> Result<Option<ListenAddr>, SettingError> {
    let given = text(raw, &raw::LISTEN_ADDR)?;
    let accepted = "an address with a port, as :9533, 127.0.0.1:9533 or [::1]:9533";
    let parsed = given.parse().map_err(|_| invalid(&raw::LISTEN_ADDR, given, accepted));
    if given.is_empty() { Ok(None) } else { parsed.map(Some) }
}

fn log_level(raw: &RawSettings) -> Result<log::LevelFilter, SettingError> {
    match text(raw, &raw::LOG_LEVEL)?.parse() {
        Ok(level) if level != log::LevelFilter::Off => Ok(level),
        _ => {
            let value = raw.get(&raw::LOG_LEVEL);
            Err(invalid(&raw::LOG_LEVEL, value, "one of error, warn, info, debug, trace"))
        }
    }
}

#[cfg(test)]
mod tests;
