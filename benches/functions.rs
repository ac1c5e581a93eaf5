//! The pure decisions and the digest, in loops: `cargo bench --bench functions`.

use std::path::Path;

use config_reloader_sidecar::kubelet;
use config_reloader_sidecar::process::{Process, select};
use config_reloader_sidecar::scope::Scope;
use config_reloader_sidecar::settings::{IgnoreGlobs, ProcessSelect};
use config_reloader_sidecar::volume::Snapshot;
use divan::{Bencher, black_box};
use sidecar_testkit::kubelet::{Volume, payload};

fn main() {
    divan::main();
}

/// One master with workers among processes of other names.
fn table(processes: i32) -> Vec<Process> {
    let row = |pid: i32| Process {
        pid,
        parent: Some(1),
        comm: if pid % 50 == 0 { "nginx".into() } else { format!("other-{pid}").into() },
        arguments: vec![format!("/usr/bin/other-{pid}").into(), "--flag".into()],
        ..Process::default()
    };
    (2..processes + 2).map(row).collect()
}

#[divan::bench(args = [10, 100, 500])]
fn selection(bencher: Bencher<'_, '_>, processes: i32) {
    let table = table(processes);
    bencher.bench_local(|| select(black_box(&table), "nginx", ProcessSelect::Root, 1));
}

#[divan::bench]
fn globs() -> bool {
    thread_local! {
        static GLOBS: IgnoreGlobs = IgnoreGlobs::new(&["*.bak".into(), "token".into()]).unwrap_or_default();
    }
    GLOBS.with(|globs| globs.matches(black_box(Path::new("conf.d/site.conf"))))
}

fn volume(keys: usize) -> (tempfile::TempDir, Volume) {
    let made = tempfile::tempdir().and_then(|dir| {
        let content = payload((0..keys).map(|key| (format!("key{key}"), "x".repeat(1000))));
        Volume::create(&dir.path().join("volume"), &content).map(|volume| (dir, volume))
    });
    made.unwrap_or_else(|error| panic!("cannot make a volume: {error}"))
}

#[divan::bench(args = [3, 30, 300])]
fn look_at_a_volume(bencher: Bencher<'_, '_>, keys: usize) {
    let (_dir, volume) = volume(keys);
    bencher.bench_local(|| kubelet::complete_payload(volume.path()));
}

#[divan::bench(args = [3, 30, 300])]
fn digest_of_a_volume(bencher: Bencher<'_, '_>, keys: usize) {
    let (_dir, volume) = volume(keys);
    let ignore = IgnoreGlobs::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("cannot start a runtime: {error}"));
    let scope = Scope { ignore: &ignore, recursive: false };
    bencher.bench_local(|| {
        runtime.block_on(Snapshot::read(volume.path(), scope, None, None)).map(|held| held.digest)
    });
}
