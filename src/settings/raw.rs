//! Settings as they are given: an environment variable and a flag each, a flag wins.

use std::ffi::OsString;

use clap::Parser;

pub(super) const PROCESS_SELECT: &str = "root";
pub(super) const RELOAD_SIGNAL: &str = "SIGHUP";
pub(super) const QUIET_PERIOD: &str = "100ms";
pub(super) const MAX_WAIT: &str = "2s";
pub(super) const MIN_INTERVAL: &str = "0s";
pub(super) const RECURSIVE: &str = "false";
pub(super) const INITIAL_RELOAD: &str = "auto";
pub(super) const RESYNC_INTERVAL: &str = "60s";
pub(super) const SIGNAL_GUARD: &str = "wait";
pub(super) const EXIT_WITH_TARGET: &str = "false";
pub(super) const VERBOSE: &str = "false";
pub(super) const LOG_LEVEL: &str = "info";

const EXAMPLE: &str = "Example:
  CONFIG_DIR=/etc/nginx/conf.d PROCESS_NAME=nginx config-reloader-sidecar

Exit status: 0 ended by SIGTERM or SIGINT, 1 cannot start or go on, 2 a setting is wrong.";

/// Watches mounted configuration (ConfigMaps, Secrets, any directory) and sends a signal to a
/// process in the same PID namespace: one signal per change, none lost.
///
/// Every setting is a flag or an environment variable; the flag wins, an empty value is an unset
/// one. Lists are comma-separated. Durations are written 250ms, 2s, 1m.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "config-reloader-sidecar", version, after_help = EXAMPLE)]
#[command(max_term_width = 100)]
pub struct RawSettings {
    /// Directories (or single files) to watch; mandatory
    #[arg(
        long,
        env,
        hide_env_values = true,
        value_name = "PATHS",
        default_value = "",
        hide_default_value = true
    )]
    pub config_dir: OsString,

    /// Name of the process to signal; mandatory unless PROCESS_PID_FILE is given
    #[arg(
        long,
        env,
        hide_env_values = true,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub process_name: OsString,

    /// Signal to send: SIGHUP, hup, 1, SIGRTMIN+3, RTMAX-1
    #[arg(long, env, hide_env_values = true, value_name = "SIGNAL", default_value = RELOAD_SIGNAL)]
    pub reload_signal: OsString,

    /// Log every file event
    #[arg(long, env, hide_env_values = true, value_name = "BOOL", default_value = VERBOSE)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub verbose: OsString,

    /// Which of several matches: root (no ancestor matches), all, oldest, newest
    #[arg(long, env, hide_env_values = true, value_name = "MODE", default_value = PROCESS_SELECT)]
    pub process_select: OsString,

    /// Read the PID from this file instead of looking for the name; with PROCESS_NAME, only a
    /// process of that name
    #[arg(
        long,
        env,
        hide_env_values = true,
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    pub process_pid_file: OsString,

    /// A plain directory must be quiet this long before it counts as changed
    #[arg(long, env, hide_env_values = true, value_name = "DURATION", default_value = QUIET_PERIOD)]
    pub quiet_period: OsString,

    /// A directory that never gets quiet counts as changed after this long
    #[arg(long, env, hide_env_values = true, value_name = "DURATION", default_value = MAX_WAIT)]
    pub max_wait: OsString,

    /// Least time between two reloads; changes in between are merged into one
    #[arg(long, env, hide_env_values = true, value_name = "DURATION", default_value = MIN_INTERVAL)]
    pub min_interval: OsString,

    /// Watch subdirectories too
    #[arg(long, env, hide_env_values = true, value_name = "BOOL", default_value = RECURSIVE)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub recursive: OsString,

    /// Globs of names below a watched directory that never count; one without a slash is
    /// matched at any depth
    #[arg(
        long,
        env,
        hide_env_values = true,
        value_name = "GLOBS",
        default_value = "",
        hide_default_value = true
    )]
    pub ignore: OsString,

    /// At start: auto (reload only if the configuration is newer than the target), always, never
    #[arg(long, env, hide_env_values = true, value_name = "MODE", default_value = INITIAL_RELOAD)]
    pub initial_reload: OsString,

    /// Look again even without an event; 0s turns it off
    #[arg(long, env, hide_env_values = true, value_name = "DURATION", default_value = RESYNC_INTERVAL)]
    pub resync_interval: OsString,

    /// wait: hold the signal back until the target handles it; off: send at once, even if it kills
    #[arg(long, env, hide_env_values = true, value_name = "MODE", default_value = SIGNAL_GUARD)]
    pub signal_guard: OsString,

    /// Exit with status 0 when the target, once seen, is gone for good (Jobs)
    #[arg(long, env, hide_env_values = true, value_name = "BOOL", default_value = EXIT_WITH_TARGET)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub exit_with_target: OsString,

    /// error, warn, info, debug or trace
    #[arg(long, env, hide_env_values = true, value_name = "LEVEL", default_value = LOG_LEVEL)]
    pub log_level: OsString,
}
