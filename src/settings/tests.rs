use super::*;

fn raw() -> RawSettings {
    let mut raw = RawSettings::default();
    raw.set(&raw::CONFIG_DIR, "/etc/app");
    raw.set(&raw::PROCESS_NAME, "app");
    raw
}

fn settings(change: impl FnOnce(&mut RawSettings)) -> Result<Settings, SettingError> {
    let mut given = raw();
    change(&mut given);
    (&given).try_into()
}

#[test]
fn empty_values_are_unset_ones() {
    let settings = settings(|_| ()).unwrap();
    assert_eq!(settings.reload_signal.to_string(), "SIGHUP");
    assert_eq!(settings.process_select, ProcessSelect::Root);
    assert_eq!(settings.quiet_period, Duration::from_millis(100));
    assert_eq!(settings.max_wait, Duration::from_secs(2));
    assert_eq!(settings.listen_addr, None);
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!(settings.log_level, log::LevelFilter::Info);
    assert!(!settings.verbose && !settings.recursive && !settings.exit_with_target);
    assert_eq!(
        (settings.min_interval, settings.resync_interval),
        (Duration::ZERO, Some(Duration::from_mins(1)))
    );
    assert_eq!((settings.initial_reload, settings.signal_guard), (InitialReload::Auto, SignalGuard::Wait));
}

#[test]
fn lists_are_trimmed_and_empty_items_dropped() {
    let settings = settings(|raw| raw.set(&raw::CONFIG_DIR, " /a ,, /b/ ,/a,")).unwrap();
    assert_eq!(settings.config_dir, [PathBuf::from("/a"), PathBuf::from("/b")]);
}

#[test]
fn watched_paths_need_not_be_utf8() {
    let odd = OsString::from_vec(b"/a\xff,/b".to_vec());
    let settings = settings(|raw| raw.set(&raw::CONFIG_DIR, odd)).unwrap();
    assert_eq!(settings.config_dir[0].as_os_str().as_bytes(), b"/a\xff");
}

#[test]
fn mandatory_settings_are_named() {
    for blank in ["", " ", ",", " , "] {
        let error = settings(|raw| raw.set(&raw::CONFIG_DIR, blank)).unwrap_err().to_string();
        assert!(error.starts_with("CONFIG_DIR is not set"), "{error}");
    }
    let error = settings(|raw| raw.set(&raw::PROCESS_NAME, "  ")).unwrap_err().to_string();
    assert!(error.starts_with("PROCESS_NAME is not set") && error.contains("PROCESS_PID_FILE"), "{error}");
    let by_file = settings(|raw| {
        raw.set(&raw::PROCESS_NAME, "");
        raw.set(&raw::PROCESS_PID_FILE, " /run/app.pid ");
    });
    let expected = TargetSpec { name: None, pid_file: Some("/run/app.pid".into()) };
    assert_eq!(by_file.unwrap().target, expected);
}

type Change = fn(&mut RawSettings, &str);

#[test]
fn wrong_values_name_the_setting_the_value_and_what_is_accepted() {
    let table: &[(&str, Change, &[&str], &str)] = &[
        (
            "RELOAD_SIGNAL",
            |raw, v| raw.set(&raw::RELOAD_SIGNAL, v),
            &["SIGFOO", "0", "65", "-1", "32"],
            "SIGRTMIN+n",
        ),
        (
            "QUIET_PERIOD",
            |raw, v| raw.set(&raw::QUIET_PERIOD, v),
            &["5", "abc", "-1s", "1 parsec", "9999years"],
            "250ms",
        ),
        ("MAX_WAIT", |raw, v| raw.set(&raw::MAX_WAIT, v), &["1.5", "s", "99ms"], "duration"),
        ("VERBOSE", |raw, v| raw.set(&raw::VERBOSE, v), &["maybe", "2", "tru"], "true or false"),
        (
            "PROCESS_SELECT",
            |raw, v| raw.set(&raw::PROCESS_SELECT, v),
            &["first", "roots"],
            "root, all, oldest, newest",
        ),
        (
            "PROCESS_NAME",
            |raw, v| raw.set(&raw::PROCESS_NAME, v),
            &["/usr/sbin/nginx"],
            "without a directory",
        ),
        ("IGNORE", |raw, v| raw.set(&raw::IGNORE, v), &["[", "a***", "ok,[z"], "globs"),
        ("MIN_INTERVAL", |raw, v| raw.set(&raw::MIN_INTERVAL, v), &["1", "soon"], "250ms"),
        ("RECURSIVE", |raw, v| raw.set(&raw::RECURSIVE, v), &["deep"], "true or false"),
        ("INITIAL_RELOAD", |raw, v| raw.set(&raw::INITIAL_RELOAD, v), &["yes"], "one of auto, always, never"),
        ("RESYNC_INTERVAL", |raw, v| raw.set(&raw::RESYNC_INTERVAL, v), &["-1s", "60"], "0s"),
        ("SIGNAL_GUARD", |raw, v| raw.set(&raw::SIGNAL_GUARD, v), &["on", "false"], "one of wait, off"),
        ("EXIT_WITH_TARGET", |raw, v| raw.set(&raw::EXIT_WITH_TARGET, v), &["perhaps"], "true or false"),
        ("LISTEN_ADDR", |raw, v| raw.set(&raw::LISTEN_ADDR, v), &["9533", "localhost:1"], ":9533"),
        ("LOG_FORMAT", |raw, v| raw.set(&raw::LOG_FORMAT, v), &["xml"], "one of text, json"),
        ("LOG_LEVEL", |raw, v| raw.set(&raw::LOG_LEVEL, v), &["loud", "off"], "error, warn, info"),
    ];
    for (setting, change, values, accepted) in table {
        for value in *values {
            let error = settings(|raw| change(raw, value)).unwrap_err().to_string();
            assert!(error.starts_with(setting), "{error}");
            assert!(error.contains(&format!("{value:?}")) && error.contains(accepted), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}

#[test]
fn values_in_any_case_are_taken() {
    for (text, expected) in
        [("TRUE", true), ("1", true), ("on", true), ("No", false), ("0", false), (" f ", false)]
    {
        assert_eq!(settings(|raw| raw.set(&raw::VERBOSE, text)).unwrap().verbose, expected, "{text}");
    }
    for (text, expected) in SELECT_MODES {
        let upper = text.to_uppercase();
        assert_eq!(settings(|raw| raw.set(&raw::PROCESS_SELECT, upper)).unwrap().process_select, expected);
    }
}

#[test]
fn a_resync_interval_of_zero_is_none() {
    assert_eq!(settings(|raw| raw.set(&raw::RESYNC_INTERVAL, "0s")).unwrap().resync_interval, None);
}

#[test]
fn values_that_are_not_utf8_are_refused_by_name() {
    let odd = OsString::from_vec(vec![0xff]);
    let error = settings(|raw| raw.set(&raw::RELOAD_SIGNAL, odd)).unwrap_err().to_string();
    assert!(error.starts_with("RELOAD_SIGNAL") && error.contains("UTF-8"), "{error}");
}
