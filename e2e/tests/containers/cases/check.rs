//! What `check` prints of each thing that a pod can have wrong (contract 6), its exit status, and that its mend is
//! one.

use std::path::PathBuf;

use e2e::run::Run;
use sidecar_testkit::kubelet::{Payload, Volume};

use crate::support::{APP_NAME, App, KEY, Scene, Spec, config};

const USER: &str = "1234:1234";
/// No other case runs as this user: it is to have no inotify instance left.
const USER_WITHOUT_INOTIFY: &str = "47110:47110";

/// A volume, and the application as PID 1 and owner of the namespace.
fn pod(run: &'static Run, set_app: impl FnOnce(Spec) -> Spec) -> (Volume, App, Scene) {
    let mut scene = Scene::new(run);
    let volume = scene.volume("config", &config("1"));
    let app = scene.app(set_app);
    (volume, app, scene)
}

/// The check must find this one thing wrong: its line, and that of its mend.
#[track_caller]
fn expect_wrong((status, output): &(i64, String), problem: &str, mend: &str) {
    let wrong: Vec<&str> = output.lines().skip_while(|line| *line != "Wrong:").skip(1).collect();
    assert_eq!((*status, wrong.len()), (1, 2), "{output}");
    assert!(wrong[0].starts_with(&format!("  1. {problem}")), "{output}");
    assert!(wrong[1].starts_with("     mend: ") && wrong[1].contains(mend), "{output}");
}

/// Nothing may be wrong.
#[track_caller]
fn expect_ok((status, output): &(i64, String)) {
    let ok = "OK: a change would be delivered now: SIGHUP to pid ";
    assert!(*status == 0 && output.lines().any(|line| line.starts_with(ok)), "{status}\n{output}");
    assert!(!output.contains("mend: "), "{output}");
}

pub(crate) fn without_a_shared_pid_namespace_it_says_how_to_share_it(run: &'static Run) {
    let (_volume, app, scene) = pod(run, |app| app);
    let problem = "no-shared-pid-namespace: no process but the sidecar itself is visible";
    expect_wrong(&scene.check(|check| check), problem, "shareProcessNamespace: true");
    // As a person does it: beside the running sidecar, which is the sidecar itself too.
    let check = ["/config-reloader-sidecar", "check"];
    let sidecar = scene.sidecar(|sidecar| sidecar);
    expect_wrong(&sidecar.exec(&check), problem, "shareProcessNamespace: true");

    let mended = scene.sidecar(|sidecar| sidecar.in_namespace_of(&app));
    expect_ok(&mended.exec(&check));
    expect_ok(&scene.check(|check| check.in_namespace_of(&app)));
    assert!(app.signals().is_empty(), "a check signals nobody");
}

pub(crate) fn a_mistyped_name_is_mended_by_the_closest_one(run: &'static Run) {
    let (_volume, app, scene) = pod(run, |app| app);
    let check = |name: &str| scene.check(|check| check.in_namespace_of(&app).env("PROCESS_NAME", name));
    let problem = format!("no-match: no process is named \"sighup-conuter\"; there are: {APP_NAME} (pid 1)");
    expect_wrong(&check("sighup-conuter"), &problem, &format!("set PROCESS_NAME={APP_NAME}"));
    expect_ok(&check(APP_NAME));
}

pub(crate) fn another_users_process_is_mended_by_its_user_and_by_the_capability(run: &'static Run) {
    let (_volume, app, scene) = pod(run, |app| app.user(USER));
    let drop_all = |check: Spec| check.host(|host| host.cap_drop = Some(vec!["ALL".to_owned()]));
    let check = |set: &dyn Fn(Spec) -> Spec| scene.check(|check| set(drop_all(check)).in_namespace_of(&app));
    let problem = |user: u32| {
        format!(
            "not-permitted: cannot signal pid 1 ({APP_NAME}) of user 1234: EPERM: the kernel does not let user \
             {user} signal it, and the sidecar has no CAP_KILL"
        )
    };
    for (user, number) in [("0:0", 0), ("65534:65534", 65534)] {
        let wrong = check(&|check| check.user(user));
        expect_wrong(&wrong, &problem(number), "runAsUser");
        expect_wrong(&wrong, &problem(number), "capability KILL (drop: [ALL], add: [KILL])");
    }
    expect_ok(&check(&|check| check.user(USER)));
    expect_ok(&check(&|check| check.host(|host| host.cap_add = Some(vec!["KILL".to_owned()]))));
}

pub(crate) fn a_key_mounted_alone_is_mended_by_the_whole_volume(run: &'static Run) {
    let (volume, app, scene) = pod(run, |app| app);
    let data: PathBuf = std::fs::read_link(volume.path().join("..data")).unwrap();
    let key = volume.path().join(data).join(KEY);
    // As the kubelet does it for `subPath`.
    let alone = scene.check(|check| {
        check.in_namespace_of(&app).mount(&key, "/app/key", false).env("CONFIG_DIR", "/app/key")
    });
    let problem = "sub-path: /app/key is a subPath mount, which the kubelet never updates";
    expect_wrong(&alone, problem, "mount the whole volume (no subPath)");
    let whole = scene.check(|check| {
        check.in_namespace_of(&app).mount(volume.path(), "/app", false).env("CONFIG_DIR", "/app")
    });
    expect_ok(&whole);
    assert!(
        whole.1.contains("/app: directory, kubelet volume, no subPath, readable, 1 entry"),
        "{}",
        whole.1
    );
}

pub(crate) fn an_empty_path_is_mended_by_filling_it(run: &'static Run) {
    let (volume, app, scene) = pod(run, |app| app);
    // A directory of the container's own, as an image or a forgotten mount leaves it.
    let check = |set: &dyn Fn(Spec) -> Spec| scene.check(|check| set(check.in_namespace_of(&app)));
    let empty = check(&|check| {
        check.env("CONFIG_DIR", "/empty").host(|host| {
            host.tmpfs = Some([("/empty".to_owned(), String::new())].into());
        })
    });
    expect_wrong(&empty, "path-empty: /empty is empty", "mount the volume there in the sidecar too");
    let missing = check(&|check| check.env("CONFIG_DIR", "/missing"));
    expect_wrong(&missing, "path-missing: /missing does not exist", "mount it, or correct CONFIG_DIR");
    expect_ok(&check(&|check| check));

    // Without keys the volume is watched all the same, and its first key is a change.
    volume.write(&Payload::new()).unwrap();
    let (status, output) = check(&|check| check);
    let warning = "  1. path-empty: /config is a volume without keys";
    assert!(status == 0 && output.lines().any(|line| line == warning), "{output}");
}

pub(crate) fn an_unreadable_path_is_mended_by_its_mode(run: &'static Run) {
    let (volume, app, scene) = pod(run, |app| app.user(USER));
    let check = || scene.check(|check| check.user(USER).in_namespace_of(&app));
    let write = |mode, content| volume.clone().mode(mode).write(&config(content)).unwrap();
    write(0o400, "2");
    let problem = format!("path-unreadable: cannot read /config/{KEY}: ");
    expect_wrong(&check(), &problem, "a defaultMode or fsGroup that allows it");
    write(0o444, "3");
    expect_ok(&check());
}

pub(crate) fn used_up_inotify_instances_are_mended_by_those_that_come_free(run: &'static Run) {
    let (_volume, app, scene) = pod(run, |app| app.user(USER_WITHOUT_INOTIFY));
    let check = || scene.check(|check| check.user(USER_WITHOUT_INOTIFY).in_namespace_of(&app));
    expect_ok(&check());
    // All containers of one user share them, in whatever pod.
    let greedy = Scene::new(run)
        .app(|app| app.user(USER_WITHOUT_INOTIFY).program("/pause").args(["--use-up-inotify"]));
    let problem = "inotify-instances: cannot create an inotify instance: ";
    expect_wrong(&check(), problem, "raise the node's sysctl fs.inotify.max_user_instances");
    greedy.stop();
    expect_ok(&check());
}
