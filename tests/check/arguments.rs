//! How a check is asked for.

use crate::Pod;
use crate::support::Sidecar;

#[test]
fn check_may_stand_anywhere_and_flags_win_over_variables() {
    let pod = Pod::new();
    let settings = || {
        Sidecar::builder()
            .env("CONFIG_DIR", "/no/such/path")
            .arg("--config-dir")
            .arg(pod.dir.path())
            .env("PROCESS_NAME", "no-such-name")
    };
    let name = format!("--process-name={}", pod.name);
    for check in [
        settings().arg("check").arg(&name),
        settings().arg(&name).arg("check"),
        settings().arg("--verbose").arg("check").arg(&name),
        settings().arg(&name).arg("--").arg("check"),
    ] {
        let ended = check.run();
        assert_eq!(ended.status.code(), Some(0), "{}{}", ended.output, ended.log);
        assert!(ended.output.contains("OK: "), "{}", ended.output);
    }
}

#[test]
fn a_wrong_setting_or_argument_is_one_line_and_status_2() {
    let pod = Pod::new();
    for (check, said) in [
        (pod.check().env("RELOAD_SIGNAL", "SIGFOO"), "RELOAD_SIGNAL=\"SIGFOO\" is not accepted"),
        (Sidecar::builder().arg("check"), "CONFIG_DIR is not set"),
        (pod.check().arg("check"), "'check' is no flag"),
        (pod.check().arg("now"), "'now' is no flag"),
        (pod.check().arg("--output=yaml"), "'--output=yaml' is neither text nor json"),
        (pod.check().arg("--output=json").arg("--output=text"), "'--output' is given twice"),
        (pod.check().arg("--output"), "missing argument for option '--output'"),
        (
            Sidecar::builder().config_dir("/").process_name("x").arg("--output=json"),
            "'--output' is for `check` only",
        ),
    ] {
        let ended = check.run();
        let line = ended.log.strip_prefix("config-reloader-sidecar: ").unwrap_or_default();
        assert!(line.starts_with(said) && line.lines().count() == 1, "{:?} is not {said}", ended.log);
        assert_eq!((ended.status.code(), &*ended.output), (Some(2), ""), "{said}");
    }
}
