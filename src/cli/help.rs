//! Help: made of the table of settings.

use std::fmt::Write;

use crate::settings::{SETTINGS, Setting};

const ABOUT: &str = "\
Watches mounted configuration (ConfigMaps, Secrets, any directory) and sends a signal to a
process in the same PID namespace: one signal per change, none lost.

Every setting is a flag or an environment variable; the flag wins, an empty value is an unset
one. Lists are comma-separated. Durations are written 250ms, 2s, 1m.

Usage: config-reloader-sidecar [OPTIONS]
       config-reloader-sidecar check [OPTIONS] [--output text|json]

Options:
";

// No line break before it: that would take its indentation along.
const END: &str = "  -h, --help
          Print this help

  -V, --version
          Print the version

Check:
  With the same settings, `check` looks at the watched paths, the processes, the signal and inotify,
  says what is wrong and how to mend it, and exits. It signals nobody.
  --output <FORMAT>
          text for people, json for programs [default: text]

Examples:
  CONFIG_DIR=/etc/nginx/conf.d PROCESS_NAME=nginx config-reloader-sidecar
  kubectl exec POD -c CONTAINER -- /config-reloader-sidecar check

Exit status: 0 ended by SIGTERM or SIGINT, 1 cannot start or go on, 2 a setting is wrong.
Exit status of check: 0 a change would be delivered now, 1 something is wrong, 2 a setting is wrong.
";

/// How the program is used.
pub(super) fn text() -> String {
    let mut text = ABOUT.to_owned();
    for setting in SETTINGS {
        describe(setting, &mut text);
    }
    text + END
}

fn describe(setting: &Setting, text: &mut String) {
    let Setting { variable, value_name, default, help } = setting;
    let flag = setting.flag();
    let value = if setting.is_switch() { format!("[=<{value_name}>]") } else { format!(" <{value_name}>") };
    let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
    // Writing to a string cannot fail.
    let _ = write!(text, "      --{flag}{value}\n          {help}\n          [env: {variable}]{default}\n\n");
}
