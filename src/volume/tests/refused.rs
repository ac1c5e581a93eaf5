//! What may not be looked at, as another user than root sees it.

use super::*;
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

/// Runs a test in a thread that may not look at everything: Linux keeps the user of file accesses for each thread
/// (setfsuid(2)). Where that does not help, the test is skipped.
fn as_nobody(test: impl FnOnce(&Path) + Send + 'static) {
    let thread = std::thread::spawn(|| {
        let (_guard, dir) = directory();
        fs::set_permissions(dir.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(dir.join("sub")).unwrap();
        fs::write(dir.join("sub/c"), "3").unwrap();
        let secret = dir.join("../secret");
        fs::write(&secret, "").unwrap();
        set_mode(&secret, 0);
        let nobody = as_other(|| fs::File::open(&secret).is_err() && fs::File::open(dir.join("a")).is_ok());
        if nobody {
            test(&dir);
        } else {
            println!("skipped: this user may read everything, or nothing");
        }
        // Whoever removes the directory must be able to.
        for path in [dir.parent().unwrap(), &dir, &dir.join("sub")] {
            set_mode(path, 0o755);
        }
    });
    thread.join().unwrap();
}

/// What this thread sees as a user without rights. Only root can be another user, and only root needs to.
fn as_other<T>(look: impl FnOnce() -> T) -> T {
    let (group, user) = (setfsgid(Gid::from_raw(65534)), setfsuid(Uid::from_raw(65534)));
    let seen = look();
    setfsuid(user);
    setfsgid(group);
    seen
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Reads as that user, with subdirectories.
fn read(path: &Path, before: Option<&Snapshot>) -> Result<Snapshot, SnapshotError> {
    as_other(|| How { before, ..RECURSIVE }.read(path))
}

#[track_caller]
fn assert_unreadable(result: Result<Snapshot, SnapshotError>, expected: &Path) {
    match result {
        Err(SnapshotError::Unreadable { path, .. }) => assert_eq!(path, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_could_never_be_read_counts_by_inode_size_and_time() {
    as_nobody(|dir| {
        set_mode(&dir.join("a"), 0o200);
        let first = read(dir, None).unwrap();
        assert_eq!(first.notes.warnings, [Warning::Unreadable(dir.join("a"))]);
        assert_eq!((entry(&first, "a").kind, names(&first).len()), (Kind::File, 4));
        assert_eq!(read(dir, Some(&first)).unwrap().digest, first.digest);
        set_modified(&dir.join("a"), long_ago());
        let touched = read(dir, Some(&first)).unwrap();
        assert_ne!(touched.digest, first.digest);
        fs::write(dir.join("a"), "longer").unwrap();
        assert_ne!(read(dir, Some(&touched)).unwrap().digest, touched.digest);
        let file = read(&dir.join("a"), None).unwrap();
        assert_eq!(file.notes.unreadable(), Some(dir.join("a").as_path()), "as a watched path");
    });
}

/// As an application that takes the rights to its files away for a while.
#[test]
fn a_file_that_cannot_be_read_any_more_keeps_its_digest_until_it_changes() {
    as_nobody(|dir| {
        let first = read(dir, None).unwrap();
        set_mode(&dir.join("a"), 0o200);
        let second = read(dir, Some(&first)).unwrap();
        let third = read(dir, Some(&second)).unwrap();
        assert_eq!((second.digest, third.digest), (first.digest, first.digest));
        assert_eq!(entry(&third, "a").content, entry(&first, "a").content);
        set_modified(&dir.join("a"), long_ago());
        let changed = read(dir, Some(&third)).unwrap();
        assert_ne!(changed.digest, first.digest);
        assert_eq!(changed.notes.unreadable(), Some(dir.join("a").as_path()));
    });
}

#[test]
fn a_directory_that_could_be_listed_before_and_cannot_now_is_an_error() {
    as_nobody(|dir| {
        let listed = read(dir, None).unwrap();
        set_mode(&dir.join("sub"), 0);
        assert_unreadable(read(dir, Some(&listed)), &dir.join("sub"));
        set_mode(&dir.join("sub"), 0o755);
        assert_eq!(read(dir, Some(&listed)).unwrap().digest, listed.digest);
    });
}

#[test]
fn a_directory_that_could_never_be_listed_counts_by_its_name() {
    as_nobody(|dir| {
        // Its name begins another name.
        fs::write(dir.join("sub.conf"), "").unwrap();
        set_mode(&dir.join("sub"), 0);
        let first = read(dir, None).unwrap();
        assert_eq!(names(&first), ["a", "b", "sub", "sub.conf"]);
        assert_eq!(first.notes.warnings, [Warning::Unreadable(dir.join("sub"))]);
        assert_eq!(read(dir, Some(&first)).unwrap().digest, first.digest);
    });
}

#[test]
fn a_watched_directory_that_cannot_be_listed_is_an_error() {
    as_nobody(|dir| {
        let listed = read(dir, None).unwrap();
        for mode in [0, 0o311] {
            set_mode(dir, mode);
            assert_unreadable(read(dir, Some(&listed)), dir);
            assert_unreadable(read(dir, None), dir);
        }
    });
}

#[test]
fn a_watched_directory_below_one_that_may_not_be_entered_any_more_is_an_error() {
    as_nobody(|dir| {
        let listed = read(dir, None).unwrap();
        set_mode(dir.parent().unwrap(), 0o600);
        assert_unreadable(read(dir, Some(&listed)), dir);
    });
}

#[test]
fn a_watched_file_below_one_that_may_not_be_entered_any_more_is_an_error() {
    as_nobody(|dir| {
        let file = dir.join("a");
        let readable = read(&file, None).unwrap();
        set_mode(dir, 0o600);
        assert_unreadable(read(&file, Some(&readable)), &file);
    });
}

/// Whoever may list a directory but not enter it sees its names, and not what they are.
#[test]
fn a_name_that_may_not_be_looked_at_is_hidden_unless_it_was_seen_before() {
    as_nobody(|dir| {
        let seen = read(dir, None).unwrap();
        set_mode(&dir.join("sub"), 0o444);
        let hidden = read(dir, None).unwrap();
        assert_eq!((entry(&hidden, "sub/c").kind, entry(&hidden, "a").kind), (Kind::Hidden, Kind::File));
        assert_eq!(hidden.notes.warnings, [Warning::Unreadable(dir.join("sub/c"))]);
        assert_eq!(read(dir, Some(&hidden)).unwrap().digest, hidden.digest);
        assert_unreadable(read(dir, Some(&seen)), &dir.join("sub/c"));
    });
}

/// As a file system that fails: this file can be opened, and nothing is mapped where it begins.
#[test]
fn a_file_that_fails_for_another_reason_than_rights_is_an_error() {
    let (_guard, dir) = directory();
    symlink("/proc/self/mem", dir.join("broken")).unwrap();
    assert_unreadable(How::default().read(&dir), &dir.join("broken"));
}
