//! Who gets which signal.

use e2e::run::Run;

use crate::support::{APP_NAME, Scene, Spec, config};

/// Two changes of the usual scene; gives the numbers of the signals and who got them.
fn two_changes(
    run: &'static Run,
    processes: usize,
    set_app: impl FnOnce(Spec) -> Spec,
    set_sidecar: impl FnOnce(Spec) -> Spec,
) -> (Vec<i32>, Vec<i32>, i32) {
    let mut scene = Scene::new(run);
    let volume = scene.volume("config", &config("1"));
    let app = scene.app(set_app);
    app.wait_ready(processes);
    let _sidecar = scene.sidecar(|sidecar| set_sidecar(sidecar.in_namespace_of(&app)));
    volume.write(&config("2")).unwrap();
    app.expect_seen(&["2"]);
    volume.write(&config("3")).unwrap();
    app.expect_seen(&["2", "3"]);
    let main = app.ready().iter().find(|process| process.role.is_main()).unwrap().pid;
    let signals = app.signals();
    (
        signals.iter().map(|signal| signal.signal).collect(),
        signals.iter().map(|signal| signal.pid).collect(),
        main,
    )
}

pub(crate) fn a_signal_is_chosen_by_name(run: &'static Run) {
    let (numbers, ..) = two_changes(run, 1, |app| app, |sidecar| sidecar.env("RELOAD_SIGNAL", "SIGUSR1"));
    assert_eq!(numbers, [10, 10]);
}

pub(crate) fn a_signal_is_chosen_by_number(run: &'static Run) {
    let (numbers, ..) = two_changes(run, 1, |app| app, |sidecar| sidecar.env("RELOAD_SIGNAL", "12"));
    assert_eq!(numbers, [12, 12]);
}

pub(crate) fn pid_1_of_its_container(run: &'static Run) {
    let (_, pids, _) = two_changes(run, 1, |app| app, |sidecar| sidecar);
    assert_eq!(pids, [1, 1]);
}

pub(crate) fn a_child_of_a_shell_like_parent(run: &'static Run) {
    let program = format!("/{APP_NAME}");
    let (_, pids, main) = two_changes(
        run,
        1,
        |app| app.program("/parent").args(["--shell-parent", "--program", &program]),
        |sidecar| sidecar,
    );
    assert_ne!(main, 1, "the parent is PID 1");
    assert_eq!(pids, [main; 2]);
}

pub(crate) fn a_master_and_not_its_four_workers(run: &'static Run) {
    let (_, pids, main) = two_changes(run, 5, |app| app.args(["--workers", "4"]), |sidecar| sidecar);
    assert_eq!(pids, [main; 2]);
}

pub(crate) fn a_name_of_20_characters(run: &'static Run) {
    let name = "a-name-of-20-letters";
    assert_eq!(name.len(), 20);
    let program = format!("/{name}");
    let (_, pids, main) =
        two_changes(run, 1, |app| app.program(&program), |sidecar| sidecar.env("PROCESS_NAME", name));
    assert_eq!(pids, [main; 2]);
}
