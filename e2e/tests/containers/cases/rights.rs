//! What the sidecar may do, and what it says when that is not enough.

use e2e::run::Run;

use crate::support::{Scene, Spec, config};

const USER: &str = "1234:1234";

/// Two changes arrive, from this sidecar at this application.
fn two_changes_arrive(
    run: &'static Run,
    set_app: impl FnOnce(Spec) -> Spec,
    set_sidecar: impl FnOnce(Spec) -> Spec,
) {
    let mut scene = Scene::new(run);
    let volume = scene.volume("config", &config("1"));
    let app = scene.app(set_app);
    let _sidecar = scene.sidecar(|sidecar| set_sidecar(sidecar.in_namespace_of(&app)));
    volume.write(&config("2")).unwrap();
    app.expect_seen(&["2"]);
    volume.write(&config("3")).unwrap();
    app.expect_seen(&["2", "3"]);
}

fn drop_all(sidecar: Spec) -> Spec {
    sidecar.host(|host| host.cap_drop = Some(vec!["ALL".to_owned()]))
}

pub(crate) fn a_read_only_root_filesystem_is_enough(run: &'static Run) {
    let read_only = |sidecar: Spec| sidecar.host(|host| host.readonly_rootfs = Some(true));
    two_changes_arrive(run, |app| app, read_only);
}

pub(crate) fn root_with_no_capability_but_kill_signals_any_user(run: &'static Run) {
    let kill = |sidecar: Spec| drop_all(sidecar).host(|host| host.cap_add = Some(vec!["KILL".to_owned()]));
    two_changes_arrive(run, |app| app.user(USER), kill);
}

pub(crate) fn the_user_of_the_target_needs_no_capability(run: &'static Run) {
    two_changes_arrive(run, |app| app.user(USER), |sidecar| drop_all(sidecar.user(USER)));
}

pub(crate) fn another_user_without_the_capability_is_told_both_mends(run: &'static Run) {
    let mut scene = Scene::new(run);
    let volume = scene.volume("config", &config("1"));
    let app = scene.app(|app| app);
    let sidecar = scene.sidecar(|sidecar| sidecar.user(USER).in_namespace_of(&app));
    volume.write(&config("2")).unwrap();
    let warning = sidecar.wait_for_log(" pending digest=", 1);
    for part in ["EPERM", "user 1234", "runAsUser", "capability KILL (drop: [ALL], add: [KILL])"] {
        assert!(warning.contains(part), "no {part:?} in {warning:?}");
    }
    // The next change is tried too, without another warning so soon, and refused too.
    volume.write(&config("3")).unwrap();
    sidecar.wait_for_log(" changed path=/config", 2);
    assert!(app.seen().is_empty(), "{:?}", app.seen());
}

pub(crate) fn without_a_shared_pid_namespace_the_log_says_so(run: &'static Run) {
    let mut scene = Scene::new(run);
    scene.volume("config", &config("1"));
    let _app = scene.app(|app| app);
    let sidecar = scene.sidecar(|sidecar| sidecar);
    let warning = sidecar.wait_for_log("no process but the sidecar itself is visible", 1);
    for part in ["shareProcessNamespace: true", "pid: \"service:NAME\"", "--pid container:NAME"] {
        assert!(warning.contains(part), "no {part:?} in {warning:?}");
    }
}
