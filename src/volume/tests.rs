use super::*;
use crate::settings::IgnoreGlobs;
use crate::settle::Readiness;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::time::{Duration, SystemTime};

use sidecar_testkit::kubelet::{self, Volume, payload};

fn snapshot_with(path: &Path, ignore: &[&str], before: Option<&Snapshot>) -> Snapshot {
    let ignore = IgnoreGlobs::new(&ignore.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Snapshot::of(path, Scope { ignore: &ignore, recursive: false }, before)).unwrap()
}

fn snapshot_in(path: &Path, state: &State) -> Result<Snapshot, SnapshotError> {
    let ignore = IgnoreGlobs::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Snapshot::in_state(path, state, Scope { ignore: &ignore, recursive: false }, None))
}

fn snapshot(path: &Path) -> Snapshot {
    snapshot_with(path, &[], None)
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.entries().keys().map(|name| name.display().to_string()).collect()
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    fs::write(dir.path().join("b"), "2").unwrap();
    let path = dir.path().to_owned();
    (dir, path)
}

/// Where nothing happens and time passes, a file is trusted to be the one that was read.
fn long_ago(path: &Path) {
    let times = fs::FileTimes::new().set_modified(SystemTime::now() - Duration::from_hours(1));
    fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
}

#[test]
fn names_kinds_and_contents_are_the_digest() {
    let changes: [fn(&Path); 8] = [
        |dir| fs::write(dir.join("a"), "x").unwrap(),
        |dir| fs::write(dir.join("a"), "1\n").unwrap(),
        |dir| fs::write(dir.join("c"), "").unwrap(),
        |dir| fs::remove_file(dir.join("a")).unwrap(),
        |dir| fs::rename(dir.join("a"), dir.join("z")).unwrap(),
        |dir| fs::create_dir(dir.join("sub")).unwrap(),
        |dir| symlink("nowhere", dir.join("link")).unwrap(),
        |dir| {
            fs::rename(dir.join("a"), dir.join("t")).unwrap();
            fs::rename(dir.join("b"), dir.join("a")).unwrap();
            fs::rename(dir.join("t"), dir.join("b")).unwrap();
        },
    ];
    for (index, change) in changes.iter().enumerate() {
        let (_guard, dir) = directory();
        let before = snapshot(&dir);
        change(&dir);
        assert_ne!(snapshot(&dir).digest(), before.digest(), "change {index}");
    }
}

#[test]
fn modes_owners_times_and_places_are_not() {
    let (_guard, dir) = directory();
    let before = snapshot(&dir);
    fs::set_permissions(dir.join("a"), fs::Permissions::from_mode(0o600)).unwrap();
    long_ago(&dir.join("a"));
    fs::write(dir.join("b"), "2").unwrap();
    assert_eq!(snapshot(&dir).digest(), before.digest());
    let (_guard, replica) = directory();
    assert_eq!(snapshot(&replica).digest(), before.digest());
}

#[test]
fn a_volume_and_a_plain_copy_of_it_have_one_digest() {
    let (_guard, copy) = directory();
    let dir = tempfile::tempdir().unwrap();
    Volume::create(&dir.path().join("v"), &payload([("a", "1"), ("b", "2")])).unwrap();
    assert_eq!(snapshot(&dir.path().join("v")).digest(), snapshot(&copy).digest());
}

#[test]
fn links_are_followed() {
    let (_guard, dir) = directory();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("real"), "1").unwrap();
    fs::remove_file(dir.join("a")).unwrap();
    symlink(elsewhere.path().join("real"), dir.join("a")).unwrap();
    let (_guard, plain) = directory();
    assert_eq!(snapshot(&dir).digest(), snapshot(&plain).digest());
}

#[test]
fn odd_entries_count_without_being_opened() {
    let (_guard, dir) = directory();
    nix::sys::stat::mknod(
        &dir.join("fifo"),
        nix::sys::stat::SFlag::S_IFIFO,
        nix::sys::stat::Mode::S_IRWXU,
        0,
    )
    .unwrap();
    let _socket = UnixListener::bind(dir.join("socket")).unwrap();
    symlink("nowhere", dir.join("dangling")).unwrap();
    symlink("loop", dir.join("loop")).unwrap();
    fs::write(dir.join(OsString::from_vec(b"odd\xff".to_vec())), "x").unwrap();
    let big = fs::File::create(dir.join("big")).unwrap();
    big.set_len(100 << 20).unwrap();
    let before = snapshot(&dir);
    let kind = |name: &str| before.entries()[Path::new(name)].kind;
    assert_eq!((kind("fifo"), kind("socket")), (Kind::Special, Kind::Special));
    assert_eq!((kind("dangling"), kind("loop")), (Kind::Dangling, Kind::Dangling));
    assert!(matches!(before.entries()[Path::new("big")].content, Content::Identity(_)));
    assert_eq!(before.entries().len(), 8);
    big.set_len(101 << 20).unwrap();
    assert_ne!(snapshot(&dir).digest(), before.digest());
}

/// As files of `/proc`, which come in pieces and tell of no size.
#[test]
fn a_file_is_read_to_its_end_whatever_size_it_tells() {
    let (linked, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let content = fs::read("/proc/crypto").unwrap();
    symlink("/proc/crypto", linked.path().join("a")).unwrap();
    fs::write(copied.path().join("a"), content).unwrap();
    assert_eq!(snapshot(linked.path()).digest(), snapshot(copied.path()).digest());
}

#[test]
fn sixty_four_mebibytes_are_read_and_one_byte_more_is_not() {
    let (_guard, dir) = directory();
    fs::File::create(dir.join("a")).unwrap().set_len(64 << 20).unwrap();
    fs::File::create(dir.join("b")).unwrap().set_len((64 << 20) + 1).unwrap();
    let taken = snapshot(&dir);
    assert!(matches!(taken.entries()[Path::new("a")].content, Content::Bytes(_)));
    assert!(matches!(taken.entries()[Path::new("b")].content, Content::Identity(_)));
}

#[test]
fn ignored_names_and_plumbing_do_not_enter() {
    let (_guard, dir) = directory();
    let before = snapshot(&dir);
    fs::write(dir.join("token"), "1").unwrap();
    fs::write(dir.join("..note"), "1").unwrap();
    let after = snapshot_with(&dir, &["tok*"], None);
    assert_eq!((after.digest(), names(&after)), (before.digest(), names(&before)));
}

#[test]
fn a_plain_directory_is_flat_and_a_volume_is_whole() {
    let (_guard, dir) = directory();
    fs::create_dir(dir.join("sub")).unwrap();
    let before = snapshot(&dir);
    fs::write(dir.join("sub/c"), "3").unwrap();
    assert_eq!(snapshot(&dir).digest(), before.digest());
    let root = tempfile::tempdir().unwrap();
    let volume = Volume::create(&root.path().join("v"), &payload([("conf.d/a", "1")])).unwrap();
    assert_eq!(names(&snapshot(volume.path())), ["conf.d", "conf.d/a"]);
}

#[test]
fn a_circle_of_directories_ends() {
    let root = tempfile::tempdir().unwrap();
    let volume = Volume::create(&root.path().join("v"), &payload([("conf.d/a", "1")])).unwrap();
    symlink("..", volume.path().join("..data/conf.d/up")).unwrap();
    assert_eq!(names(&snapshot(volume.path())), ["conf.d", "conf.d/a", "conf.d/up", "conf.d/up/conf.d"]);
}

#[test]
fn a_file_is_read_again_only_if_its_stat_changed() {
    let (_guard, dir) = directory();
    // Content that cannot be told from its stat: only a file that is not read again keeps its digest.
    let trusted = |snapshot: &Snapshot| snapshot.entries()[Path::new("a")].stat.is_some();
    let deadline = SystemTime::now() + Duration::from_secs(5);
    let mut known = snapshot(&dir);
    while !trusted(&known) && SystemTime::now() < deadline {
        known = snapshot_with(&dir, &[], Some(&known));
    }
    assert!(trusted(&known));
    fs::write(dir.join("b"), "other").unwrap();
    let again = snapshot_with(&dir, &[], Some(&known));
    assert_eq!(again.entries()[Path::new("a")], known.entries()[Path::new("a")]);
    assert_ne!(again.digest(), known.digest());
    fs::write(dir.join("a"), "9").unwrap();
    assert_ne!(snapshot_with(&dir, &[], Some(&known)).digest(), again.digest(), "same size, new stat");
}

#[test]
fn a_single_file_is_a_snapshot_of_its_own() {
    let (_guard, dir) = directory();
    let before = snapshot(&dir.join("a"));
    assert_eq!(names(&before), [""]);
    fs::write(dir.join("a"), "other").unwrap();
    let after = snapshot(&dir.join("a"));
    assert_ne!(after.digest(), before.digest());
    assert_eq!(Changes::between(&before, &after).to_string(), "~.");
}

#[test]
fn what_is_missing_is_told_apart_from_what_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let ignore = IgnoreGlobs::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    symlink("circle", dir.path().join("circle")).unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for name in ["none", "circle", "file/below"] {
        let result = runtime.block_on(Snapshot::of(
            &dir.path().join(name),
            Scope { ignore: &ignore, recursive: false },
            None,
        ));
        assert!(matches!(result, Err(SnapshotError::Missing(_))), "{name}");
    }
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert!(snapshot(&dir.path().join("empty")).entries().is_empty());
}

#[test]
fn a_volume_is_consistent_only_between_updates() {
    let orders = [kubelet::Order::LinksAfterSwap, kubelet::Order::LinksBeforeSwap];
    for order in orders {
        let root = tempfile::tempdir().unwrap();
        let volume =
            Volume::create(&root.path().join("v"), &payload([("a", "1"), ("b", "2")])).unwrap().order(order);
        let readiness = || State::of(volume.path()).readiness;
        assert_eq!(readiness(), Readiness::Consistent);
        let update = |keys: &[(&str, &str)]| {
            let mut seen = Vec::new();
            let note = |step| {
                seen.push((step, readiness()));
                ControlFlow::Continue(())
            };
            volume.write_with(&payload(keys.iter().copied()), note).unwrap();
            seen.into_iter().find(|(step, _)| *step == kubelet::Step::Swapped).unwrap().1
        };
        assert_eq!(update(&[("a", "1"), ("c", "3")]), Readiness::Inconsistent, "{order:?}");
        assert_eq!(readiness(), Readiness::Consistent);
        assert_eq!(update(&[("a", "2"), ("c", "3")]), Readiness::Consistent, "{order:?}");
    }
}

#[test]
fn a_state_holds_until_the_volume_is_swapped_or_a_name_goes() {
    let root = tempfile::tempdir().unwrap();
    let volume = Volume::create(&root.path().join("v"), &payload([("a", "1"), ("b", "1")])).unwrap();
    let held_through = |path: &Path, change: &dyn Fn()| {
        let state = State::of(path);
        change();
        state.held(&snapshot_in(path, &state))
    };
    let swap = |number: &str| {
        volume.write(&payload([("a", number), ("b", "1")])).unwrap();
    };
    for path in [volume.path().to_owned(), volume.path().join("a")] {
        assert!(held_through(&path, &|| ()));
        assert!(
            !held_through(&path, &|| swap("2")) && !held_through(&path, &|| swap("1")),
            "{}",
            path.display()
        );
    }
    let link = volume.path().join("b");
    assert!(!held_through(volume.path(), &|| fs::remove_file(&link).unwrap()), "a listed name went");
    symlink("..data/b", &link).unwrap();
    assert!(held_through(volume.path(), &|| symlink("..data/c", volume.path().join("c")).unwrap()));
    let (_guard, dir) = directory();
    assert!(held_through(&dir, &|| fs::remove_file(dir.join("a")).unwrap()), "what goes there is an event");
}

/// Else it would be looked at again without a pause.
#[test]
fn what_is_missing_in_a_volume_for_good_does_not_break_its_state() {
    let root = tempfile::tempdir().unwrap();
    let volume = Volume::create(&root.path().join("v"), &payload([("conf.d/a", "1")])).unwrap();
    let path = volume.path().join("conf.d/b");
    let state = State::of(&path);
    let result = snapshot_in(&path, &state);
    assert!(matches!(result, Err(SnapshotError::Missing(_))));
    assert_eq!(
        (state.readiness, state.is_volume(), state.held(&result)),
        (Readiness::Consistent, true, true)
    );
}

#[test]
fn names_that_are_known_are_not_listed_again() {
    let root = tempfile::tempdir().unwrap();
    let volume = Volume::create(&root.path().join("v"), &payload([("a", "1"), ("b", "1")])).unwrap();
    let before = State::of(volume.path());
    volume.write(&payload([("a", "2"), ("b", "2")])).unwrap();
    let swapped = before.again(true);
    assert_eq!((swapped.readiness, swapped != before), (Readiness::Consistent, true));
    assert_eq!(snapshot_in(volume.path(), &swapped).unwrap().digest(), snapshot(volume.path()).digest());
    for keys in [&[("a", "2"), ("b", "2"), ("c", "1")][..], &[("a", "2")]] {
        let before = State::of(volume.path());
        volume.write(&payload(keys.iter().copied())).unwrap();
        // As between the swap and the events of the links.
        assert_eq!(before.again(true).readiness, Readiness::Inconsistent);
        let told = before.again(false);
        assert_eq!(told, State::of(volume.path()));
        assert_eq!(told.readiness, Readiness::Consistent);
    }
    let before = State::of(volume.path());
    fs::write(volume.path().join("note"), "not the kubelet's").unwrap();
    let known = snapshot_in(volume.path(), &before.again(true)).unwrap();
    assert_eq!(
        (names(&known), names(&snapshot(volume.path()))),
        (vec!["a".into()], vec!["a".into(), "note".into()])
    );
}

#[test]
fn a_volume_that_lost_its_data_link_is_none() {
    let root = tempfile::tempdir().unwrap();
    let volume = Volume::create(&root.path().join("v"), &payload([("a", "1")])).unwrap();
    let before = State::of(volume.path());
    assert!(before.is_volume());
    fs::remove_file(volume.path().join("..data")).unwrap();
    let state = before.again(false);
    assert_eq!((state.is_volume(), state.readiness), (false, Readiness::Inconsistent));
    assert_eq!(State::of(volume.path()).readiness, Readiness::Plain);
}

#[test]
fn layouts_are_known_by_the_data_link() {
    let (_guard, dir) = directory();
    assert_eq!(Layout::of(&dir), Layout::Plain);
    assert_eq!(Layout::of(&dir.join("missing")), Layout::Plain);
    let volume = Volume::create(&dir.join("v"), &payload([("a", "1"), ("conf.d/b", "2")])).unwrap();
    let volume = volume.path().canonicalize().unwrap();
    symlink("v", dir.join("link")).unwrap();
    for path in [&volume, &dir.join("link"), &dir.join("link/.")] {
        assert_eq!(Layout::of(path), Layout::Kubelet { volume: volume.clone(), whole: true });
    }
    for path in ["a", "conf.d", "conf.d/b"] {
        assert_eq!(Layout::of(&volume.join(path)), Layout::Kubelet { volume: volume.clone(), whole: false });
    }
}

/// A chmod or chown, which older kubelets repeat, is none.
#[test]
fn a_volume_is_as_old_as_its_last_swap() {
    let root = tempfile::tempdir().unwrap();
    let volume = Volume::create(&root.path().join("v"), &payload([("a", "1")])).unwrap();
    let swapped_at = || Layout::of(volume.path()).swapped_at().unwrap();
    let first = swapped_at();
    let file = volume.path().join("a");
    let changed_at = |file: &Path| snapshot(file).changed_at();
    while changed_at(&file) <= first {
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    }
    assert_eq!(swapped_at(), first);
    volume.write(&payload([("a", "2")])).unwrap();
    assert!(swapped_at() > first);
    assert_eq!(Layout::Plain.swapped_at(), None);
}

#[test]
fn changes_are_named_and_the_many_are_counted() {
    let (_guard, dir) = directory();
    let before = snapshot(&dir);
    fs::write(dir.join("a"), "x").unwrap();
    fs::remove_file(dir.join("b")).unwrap();
    for index in 0..6 {
        fs::write(dir.join(format!("n{index}")), "").unwrap();
    }
    let shown = Changes::between(&before, &snapshot(&dir)).to_string();
    assert_eq!(shown, "~a +n0 +n1 +n2 +n3 and 3 more");
    assert_eq!(Changes::between(&before, &before).to_string(), "");
}
