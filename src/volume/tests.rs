use super::content::Stat;
use super::*;
use crate::scope::Scope;
use crate::settings::IgnoreGlobs;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sidecar_testkit::kubelet::{Volume, payload};

mod age;
mod differences;
mod known;
mod notes;
mod refused;

/// What a test reads, and how.
#[derive(Clone, Copy, Default)]
struct How<'a> {
    ignore: &'a [&'a str],
    recursive: bool,
    /// The volume that the path leads through.
    inside: Option<&'a Path>,
    before: Option<&'a Snapshot>,
}

impl How<'_> {
    fn ignore(&self) -> IgnoreGlobs {
        IgnoreGlobs::new(&self.ignore.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    fn read(self, path: &Path) -> Result<Snapshot, SnapshotError> {
        let ignore = self.ignore();
        let scope = Scope { ignore: &ignore, recursive: self.recursive };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Snapshot::read(path, scope, self.inside, self.before))
    }

    fn last_change(self, path: &Path) -> Option<SystemTime> {
        let ignore = self.ignore();
        last_change(path, Scope { ignore: &ignore, recursive: self.recursive }, self.inside.is_some())
    }
}

const RECURSIVE: How<'_> = How { ignore: &[], recursive: true, inside: None, before: None };

fn snapshot(path: &Path) -> Snapshot {
    How::default().read(path).unwrap()
}

fn tree(path: &Path) -> Snapshot {
    RECURSIVE.read(path).unwrap()
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.entries.keys().map(|name| name.display().to_string()).collect()
}

fn entry(snapshot: &Snapshot, name: &str) -> Entry {
    snapshot.entries[Path::new(name)]
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conf");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a"), "1").unwrap();
    fs::write(path.join("b"), "2").unwrap();
    (dir, path)
}

fn set_modified(path: &Path, modified: SystemTime) {
    let times = fs::FileTimes::new().set_modified(modified);
    fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
}

fn long_ago() -> SystemTime {
    SystemTime::now() - Duration::from_hours(1)
}

#[test]
fn names_kinds_and_contents_are_the_digest() {
    let changes: [fn(&Path); 10] = [
        |dir| fs::write(dir.join("a"), "x").unwrap(),
        |dir| fs::write(dir.join("a"), "1\n").unwrap(),
        |dir| fs::write(dir.join("c"), "").unwrap(),
        |dir| fs::remove_file(dir.join("a")).unwrap(),
        |dir| fs::rename(dir.join("a"), dir.join("z")).unwrap(),
        |dir| fs::create_dir(dir.join("sub")).unwrap(),
        |dir| symlink("nowhere", dir.join("link")).unwrap(),
        |dir| drop(UnixListener::bind(dir.join("socket")).unwrap()),
        |dir| {
            fs::remove_file(dir.join("a")).unwrap();
            fs::create_dir(dir.join("a")).unwrap();
        },
        |dir| {
            fs::rename(dir.join("a"), dir.join("t")).unwrap();
            fs::rename(dir.join("b"), dir.join("a")).unwrap();
            fs::rename(dir.join("t"), dir.join("b")).unwrap();
        },
    ];
    let mut seen = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let (_guard, dir) = directory();
        let before = snapshot(&dir).digest;
        change(&dir);
        let after = snapshot(&dir).digest;
        assert!(after != before && !seen.contains(&after), "change {index}");
        seen.push(after);
    }
}

#[test]
fn modes_owners_times_and_places_are_not() {
    let (_guard, dir) = directory();
    let before = snapshot(&dir);
    fs::set_permissions(dir.join("a"), fs::Permissions::from_mode(0o600)).unwrap();
    set_modified(&dir.join("a"), long_ago());
    fs::write(dir.join("b"), "2").unwrap();
    if chown(dir.join("b"), Some(11), Some(12)).is_err() {
        println!("skipped: only root may change the owner");
    }
    assert_eq!(snapshot(&dir).digest, before.digest);
    let (_guard, replica) = directory();
    assert_eq!(snapshot(&replica).digest, before.digest);
}

#[test]
fn a_volume_and_a_plain_copy_of_it_have_one_digest() {
    let (guard, copy) = directory();
    let keys = [("a", "1"), ("b", "2"), ("conf.d/c", "3"), ("conf.d/deep/d", "4")];
    let volume = Volume::create(&guard.path().join("v"), &payload(keys)).unwrap();
    fs::create_dir_all(copy.join("conf.d/deep")).unwrap();
    fs::write(copy.join("conf.d/c"), "3").unwrap();
    fs::write(copy.join("conf.d/deep/d"), "4").unwrap();
    assert_eq!(names(&tree(&copy)), ["a", "b", "conf.d", "conf.d/c", "conf.d/deep", "conf.d/deep/d"]);
    assert_eq!(snapshot(volume.path()).digest, tree(&copy).digest);
    assert_eq!(tree(volume.path()).digest, tree(&copy).digest);
    let inside =
        How { inside: Some(volume.path()), ..How::default() }.read(&volume.path().join("conf.d")).unwrap();
    assert_eq!(inside.digest, tree(&copy.join("conf.d")).digest);
}

#[test]
fn links_are_followed() {
    let (guard, dir) = directory();
    fs::write(guard.path().join("real"), "1").unwrap();
    fs::remove_file(dir.join("a")).unwrap();
    symlink("../real", dir.join("a")).unwrap();
    let (_guard, plain) = directory();
    assert_eq!(snapshot(&dir).digest, snapshot(&plain).digest);
    fs::write(guard.path().join("real"), "2").unwrap();
    assert_ne!(snapshot(&dir).digest, snapshot(&plain).digest);
}

/// `link` leads to `current`, and that to `one`; `two` holds the same.
fn with_linked_directory() -> (tempfile::TempDir, PathBuf) {
    let (guard, dir) = directory();
    for name in ["one", "two"] {
        fs::create_dir(guard.path().join(name)).unwrap();
        fs::write(guard.path().join(name).join("key"), "1").unwrap();
    }
    symlink("one", guard.path().join("current")).unwrap();
    symlink("../current", dir.join("link")).unwrap();
    (guard, dir)
}

fn redirect(link: &Path, target: &str) {
    fs::remove_file(link).unwrap();
    symlink(target, link).unwrap();
}

#[test]
fn a_link_to_a_directory_that_is_not_entered_counts_by_its_destination() {
    let (guard, dir) = with_linked_directory();
    let before = snapshot(&dir).digest;
    fs::write(guard.path().join("one/key"), "2").unwrap();
    redirect(&dir.join("link"), "../one");
    assert_eq!(snapshot(&dir).digest, before, "it leads to the same directory");
    redirect(&dir.join("link"), "../two");
    let second = snapshot(&dir).digest;
    redirect(&dir.join("link"), "../current");
    assert_eq!((snapshot(&dir).digest, before == second), (before, false));
    redirect(&guard.path().join("current"), "two");
    assert_eq!(snapshot(&dir).digest, second, "a link on the way leads elsewhere");
}

#[test]
fn a_link_to_a_directory_that_is_entered_counts_by_what_it_holds() {
    let (guard, dir) = with_linked_directory();
    let before = tree(&dir);
    assert_eq!(names(&before), ["a", "b", "link", "link/key"]);
    redirect(&guard.path().join("current"), "two");
    assert_eq!(tree(&dir).digest, before.digest);
    fs::write(guard.path().join("two/key"), "2").unwrap();
    assert_ne!(tree(&dir).digest, before.digest);
}

#[test]
fn a_second_link_to_a_directory_counts_by_its_destination() {
    let (_guard, dir) = with_linked_directory();
    symlink("../one", dir.join("same")).unwrap();
    let before = tree(&dir);
    assert_eq!(names(&before), ["a", "b", "link", "link/key", "same"]);
    assert!(entry(&before, "link").content.is_none() && entry(&before, "same").content.is_some());
}

#[test]
fn a_dangling_link_counts_by_its_text() {
    let (_guard, dir) = directory();
    symlink("nowhere", dir.join("link")).unwrap();
    let before = snapshot(&dir).digest;
    redirect(&dir.join("link"), "nowhere-else");
    assert_ne!(snapshot(&dir).digest, before);
}

#[test]
fn odd_entries_count_without_being_opened() {
    let (_guard, dir) = directory();
    let (kind, mode) = (nix::sys::stat::SFlag::S_IFIFO, nix::sys::stat::Mode::S_IRWXU);
    nix::sys::stat::mknod(&dir.join("fifo"), kind, mode, 0).unwrap();
    let _socket = UnixListener::bind(dir.join("socket")).unwrap();
    symlink("nowhere", dir.join("dangling")).unwrap();
    symlink("loop", dir.join("loop")).unwrap();
    symlink("a/below", dir.join("below")).unwrap();
    fs::write(dir.join(OsString::from_vec(b"odd\xff".to_vec())), "x").unwrap();
    let all = snapshot(&dir);
    let kind = |name: &str| entry(&all, name).kind;
    assert_eq!((kind("fifo"), kind("socket")), (Kind::Special, Kind::Special));
    assert_eq!([kind("dangling"), kind("loop"), kind("below")], [Kind::Dangling; 3]);
    assert_eq!(all.entries.len(), 8);
    assert!(all.notes.warnings.is_empty() && !all.notes.is_torn);
}

/// As files of `/proc`, which come in pieces and tell of no size.
#[test]
fn a_file_is_read_to_its_end_whatever_size_it_tells() {
    let (linked, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let content = fs::read("/proc/crypto").unwrap();
    symlink("/proc/crypto", linked.path().join("a")).unwrap();
    fs::write(copied.path().join("a"), content).unwrap();
    assert_eq!(snapshot(linked.path()).digest, snapshot(copied.path()).digest);
}

#[test]
fn sixty_four_mebibytes_are_read_and_one_byte_more_is_not() {
    let (_guard, dir) = directory();
    fs::File::create(dir.join("a")).unwrap().set_len(64 << 20).unwrap();
    fs::File::create(dir.join("b")).unwrap().set_len((64 << 20) + 1).unwrap();
    let taken = snapshot(&dir);
    let is_identity = |name: &str| {
        let stat = Stat::of(&fs::metadata(dir.join(name)).unwrap());
        entry(&taken, name).content == Some(stat.identity())
    };
    assert!(!is_identity("a") && is_identity("b"));
    set_modified(&dir.join("b"), long_ago());
    assert_ne!(entry(&snapshot(&dir.join("b")), "").content, entry(&taken, "b").content);
}

#[test]
fn ignored_names_and_plumbing_do_not_enter() {
    let (_guard, dir) = directory();
    let before = snapshot(&dir);
    fs::write(dir.join("token"), "1").unwrap();
    fs::write(dir.join("..note"), "1").unwrap();
    let after = How { ignore: &["tok*"], ..How::default() }.read(&dir).unwrap();
    assert_eq!((after.digest, names(&after)), (before.digest, names(&before)));
}

#[test]
fn a_plain_directory_is_flat_unless_subdirectories_count() {
    let (_guard, dir) = directory();
    fs::create_dir(dir.join("sub")).unwrap();
    let (flat, deep) = (snapshot(&dir).digest, tree(&dir).digest);
    assert_eq!(flat, deep, "an empty subdirectory");
    fs::write(dir.join("sub/c"), "3").unwrap();
    assert_eq!(snapshot(&dir).digest, flat);
    assert_ne!(tree(&dir).digest, deep);
}

#[test]
fn a_single_file_is_a_snapshot_of_its_own() {
    let (_guard, dir) = directory();
    let before = snapshot(&dir.join("a"));
    assert_eq!(names(&before), [""]);
    fs::write(dir.join("a"), "other").unwrap();
    let after = snapshot(&dir.join("a"));
    assert_ne!(after.digest, before.digest);
    assert_eq!(Changes::between(&before, &after).to_string(), "~.");
}

#[test]
fn what_is_missing_is_told_apart_from_what_is_empty() {
    let (_guard, dir) = directory();
    symlink("circle", dir.join("circle")).unwrap();
    symlink("none", dir.join("dangling")).unwrap();
    for name in ["none", "circle", "a/below", "dangling"] {
        let result = How::default().read(&dir.join(name));
        assert!(matches!(result, Err(SnapshotError::Missing(_))), "{name}");
    }
    fs::create_dir(dir.join("empty")).unwrap();
    assert!(snapshot(&dir.join("empty")).entries.is_empty());
}
