//! Watched paths that it cannot start with: status 1, and one line that names the path.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::{self, Sidecar, open_dir, unique_name};
use crate::{names, only_line, refusal, sidecar};

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// What it says of this path, on which it must end.
#[track_caller]
fn refused_path(config_dir: &Path) -> String {
    refusal(sidecar().env("CONFIG_DIR", config_dir).env("PROCESS_NAME", "app"), 1)
}

/// The same if it is another user than the one that owns the path.
#[track_caller]
fn refused_to_nobody(path: &Path) -> String {
    let mut builder = Sidecar::builder().config_dir(path).process_name(&unique_name());
    if support::is_root() {
        builder = builder.user(NOBODY, NOBODY);
    }
    let ended = builder.run();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.output, "");
    only_line(&ended.log)
}

/// Takes all rights away, and gives them back in time for the directory to be removed.
struct Closed<'a>(&'a Path);

impl<'a> Closed<'a> {
    fn new(path: &'a Path) -> Self {
        fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
        Self(path)
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        let _ = fs::set_permissions(self.0, Permissions::from_mode(0o700));
    }
}

#[test]
fn a_path_that_does_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let line = refused_path(&missing);
    assert!(
        names(&line, &missing) && line.contains("does not exist; mount it, or correct CONFIG_DIR"),
        "{line}"
    );
}

#[test]
fn a_path_through_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("below");
    let line = refused_path(&below);
    assert!(names(&line, &below) && line.contains("does not exist"), "{line}");
}

#[test]
fn a_link_that_leads_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let dangling = dir.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    let line = refused_path(&dangling);
    assert!(names(&line, &dangling) && line.contains("does not exist"), "{line}");
}

#[test]
fn one_of_several_paths() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let mut list = dir.path().as_os_str().to_owned();
    list.push(", ");
    list.push(&missing);
    let line = refused_path(Path::new(&list));
    assert!(line.starts_with(missing.to_str().unwrap()), "{line}");
}

#[test]
fn a_path_with_a_line_break_is_one_line() {
    let line = refused_path(Path::new("/no/such\npath\u{1b}[31m"));
    assert!(line.starts_with("/no/such") && line.contains("does not exist"), "{line:?}");
    assert!(!line.contains('\u{1b}'), "{line:?} reaches the terminal");
}

#[test]
fn a_directory_that_cannot_be_listed() {
    let dir = open_dir();
    let secret = dir.path().join("secret");
    fs::create_dir(&secret).unwrap();
    let _closed = Closed::new(&secret);
    let line = refused_to_nobody(&secret);
    assert!(names(&line, &secret) && line.starts_with("cannot read"), "{line}");
    assert!(line.contains("Permission denied") && line.contains("run as a user that may read it"), "{line}");
}

#[test]
fn a_directory_below_one_that_cannot_be_entered() {
    let dir = open_dir();
    let secret = dir.path().join("secret");
    let below = secret.join("below");
    fs::create_dir_all(&below).unwrap();
    let _closed = Closed::new(&secret);
    let line = refused_to_nobody(&below);
    assert!(names(&line, &below) && line.contains("Permission denied"), "{line}");
}

/// The other side of the above: what is in it may be unreadable (contract 2).
#[test]
fn a_file_that_cannot_be_read_is_no_reason() {
    let dir = open_dir();
    let key = dir.path().join("key");
    fs::write(&key, "secret").unwrap();
    let _closed = Closed::new(&key);
    let mut builder = Sidecar::builder().config_dir(dir.path()).process_name(&unique_name());
    if support::is_root() {
        builder = builder.user(NOBODY, NOBODY);
    }
    let sidecar = builder.spawn();
    assert!(names(&sidecar.wait_for_log(" unreadable path=", support::DEADLINE), &key));
}

#[test]
fn a_path_in_another_mount_namespace() {
    for path in ["/proc/self/root/etc", "/proc/1/root"] {
        let line = refused_path(Path::new(path));
        assert!(line.contains(path) && line.contains("another mount namespace"), "{line}");
        assert!(line.contains("mount the volume in the sidecar too"), "{line}");
    }
}
