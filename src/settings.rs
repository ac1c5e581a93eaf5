//! Settings: raw strings from flags and environment, validated once, parsed nowhere else.

mod ignore;
mod raw;
mod reload_signal;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

pub use ignore::IgnoreGlobs;
pub use raw::RawSettings;
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

fn invalid(setting: &'static str, value: &OsStr, accepted: impl Into<String>) -> SettingError {
    let value = value.to_string_lossy().into_owned();
    SettingError::Invalid { setting, value, accepted: accepted.into() }
}

impl TryFrom<RawSettings> for Settings {
    type Error = SettingError;

    fn try_from(raw: RawSettings) -> Result<Self, SettingError> {
        let quiet_period = duration("QUIET_PERIOD", &raw.quiet_period, raw::QUIET_PERIOD)?;
        let max_wait = duration("MAX_WAIT", &raw.max_wait, raw::MAX_WAIT)?;
        if max_wait < quiet_period {
            let accepted = "a duration that is not shorter than QUIET_PERIOD";
            return Err(invalid("MAX_WAIT", &raw.max_wait, accepted));
        }
        Ok(Self {
            config_dir: watched_paths(&raw.config_dir)?,
            target: target_spec(&raw)?,
            process_select: one_of(
                "PROCESS_SELECT",
                &raw.process_select,
                raw::PROCESS_SELECT,
                &SELECT_MODES,
            )?,
            reload_signal: text("RELOAD_SIGNAL", &raw.reload_signal, raw::RELOAD_SIGNAL)?
                .parse()
                .map_err(|e: UnknownSignal| invalid("RELOAD_SIGNAL", &raw.reload_signal, e.to_string()))?,
            quiet_period,
            max_wait,
            min_interval: duration("MIN_INTERVAL", &raw.min_interval, raw::MIN_INTERVAL)?,
            recursive: boolean("RECURSIVE", &raw.recursive, raw::RECURSIVE)?,
            ignore: ignore_globs(&raw.ignore)?,
            initial_reload: one_of(
                "INITIAL_RELOAD",
                &raw.initial_reload,
                raw::INITIAL_RELOAD,
                &INITIAL_RELOADS,
            )?,
            resync_interval: Some(duration("RESYNC_INTERVAL", &raw.resync_interval, raw::RESYNC_INTERVAL)?)
                .filter(|interval| !interval.is_zero()),
            signal_guard: one_of("SIGNAL_GUARD", &raw.signal_guard, raw::SIGNAL_GUARD, &SIGNAL_GUARDS)?,
            exit_with_target: boolean("EXIT_WITH_TARGET", &raw.exit_with_target, raw::EXIT_WITH_TARGET)?,
            verbose: boolean("VERBOSE", &raw.verbose, raw::VERBOSE)?,
            log_level: log_level(&raw.log_level)?,
        })
    }
}

/// The value as trimmed text; an empty one is an unset one.
fn text<'a>(setting: &'static str, value: &'a OsStr, default: &'a str) -> Result<&'a str, SettingError> {
    let given = value.to_str().ok_or_else(|| invalid(setting, value, "UTF-8 text"))?.trim();
    Ok(if given.is_empty() { default } else { given })
}

fn list(value: &OsStr) -> impl Iterator<Item = OsString> {
    value
        .as_bytes()
        .split(|byte| *byte == b',')
        .map(|item| OsString::from_vec(item.trim_ascii().to_vec()))
        .filter(|item| !item.is_empty())
}

fn watched_paths(value: &OsStr) -> Result<Vec<PathBuf>, SettingError> {
    let mut paths = Vec::new();
    for item in list(value) {
        let absolute = std::path::absolute(&item)
            .map_err(|e| invalid("CONFIG_DIR", &item, format!("paths of directories or files ({e})")))?;
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
    let name = text("PROCESS_NAME", &raw.process_name, "")?;
    if name.contains('/') {
        return Err(invalid("PROCESS_NAME", &raw.process_name, "a name without a directory, as `nginx`"));
    }
    let pid_file = raw.process_pid_file.as_bytes().trim_ascii();
    if name.is_empty() && pid_file.is_empty() {
        let accepted = "give the name of the process to signal, or its PID file in PROCESS_PID_FILE";
        return Err(SettingError::Missing { setting: "PROCESS_NAME", accepted });
    }
    Ok(TargetSpec {
        name: (!name.is_empty()).then(|| name.to_owned()),
        pid_file: (!pid_file.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(pid_file))),
    })
}

fn one_of<T: Copy>(
    setting: &'static str,
    value: &OsStr,
    default: &str,
    modes: &[(&str, T)],
) -> Result<T, SettingError> {
    let given = text(setting, value, default)?;
    let mode = modes.iter().find(|(name, _)| name.eq_ignore_ascii_case(given)).map(|(_, mode)| *mode);
    let names: Vec<&str> = modes.iter().map(|(name, _)| *name).collect();
    mode.ok_or_else(|| invalid(setting, value, format!("one of {}", names.join(", "))))
}

fn duration(setting: &'static str, value: &OsStr, default: &str) -> Result<Duration, SettingError> {
    const LONGEST: Duration = Duration::from_hours(24 * 365);
    let accepted = "a duration of a year at most, as 250ms, 2s, 1m or 0s";
    let given = text(setting, value, default)?;
    match humantime::parse_duration(given) {
        Ok(parsed) if parsed <= LONGEST => Ok(parsed),
        _ => Err(invalid(setting, value, accepted)),
    }
}

fn boolean(setting: &'static str, value: &OsStr, default: &str) -> Result<bool, SettingError> {
    match text(setting, value, default)?.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "on" => Ok(true),
        "false" | "f" | "0" | "no" | "off" => Ok(false),
        _ => Err(invalid(setting, value, "true or false")),
    }
}

fn ignore_globs(value: &OsStr) -> Result<IgnoreGlobs, SettingError> {
    let accepted = |e| invalid("IGNORE", value, format!("globs as `*.bak,token` ({e})"));
    let items: Option<Vec<_>> = list(value).map(|item| item.into_string().ok()).collect();
    let items = items.ok_or_else(|| invalid("IGNORE", value, "UTF-8 text"))?;
    IgnoreGlobs::new(&items).map_err(accepted)
}

fn log_level(value: &OsStr) -> Result<log::LevelFilter, SettingError> {
    match text("LOG_LEVEL", value, raw::LOG_LEVEL)?.parse() {
        Ok(level) if level != log::LevelFilter::Off => Ok(level),
        _ => Err(invalid("LOG_LEVEL", value, "one of error, warn, info, debug, trace")),
    }
}

#[cfg(test)]
mod tests;
