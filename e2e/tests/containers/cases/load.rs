//! Many updates.

use std::thread::sleep;
use std::time::Duration;

use e2e::run::Run;

use crate::support::{Scene, config};

const MIB: i64 = 1024 * 1024;

pub(crate) fn with_8_mib_of_memory_500_updates_are_500_signals(run: &'static Run) {
    const UPDATES: usize = 500;
    let mut scene = Scene::new(run);
    let volume = scene.volume("config", &config("0"));
    let app = scene.app(|app| app);
    let sidecar = scene.sidecar(|sidecar| {
        sidecar.in_namespace_of(&app).host(|host| {
            host.memory = Some(8 * MIB);
            // No swap.
            host.memory_swap = Some(8 * MIB);
        })
    });
    for update in 1..=UPDATES {
        volume.write(&config(update.to_string())).unwrap();
        app.wait_for_signals(update);
    }
    let expected: Vec<String> = (1..=UPDATES).map(|update| update.to_string()).collect();
    assert_eq!(app.seen(), expected);
    let container = sidecar.inspect();
    // An engine without the cgroup for it drops the limit.
    assert_eq!(container.host_config.unwrap().memory, Some(8 * MIB));
    assert_eq!(container.restart_count, Some(0));
    let state = container.state.unwrap();
    assert_eq!((state.oom_killed, state.running), (Some(false), Some(true)));
}

pub(crate) fn of_2_000_updates_in_a_row_the_last_is_seen_last(run: &'static Run) {
    const UPDATES: usize = 2_000;
    let (volume, app, _sidecar, _scene) = Scene::usual(run);
    for update in 1..=UPDATES {
        volume.write(&config(format!("update {update}"))).unwrap();
        sleep(Duration::from_millis(5));
    }
    let count = app.wait_until_seen(&format!("update {UPDATES}"));
    assert!(count <= UPDATES, "{count} signals");
    volume.write(&config("fence")).unwrap();
    assert_eq!(app.wait_until_seen("fence"), count + 1);
}
