//! What is taken from the snapshot before, and how the reader behaves on its way.

use super::super::reader::Reader;
use super::*;
use crate::walk::Walk;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

/// What `a` would be taken for if it were not read again.
fn with_made_up_content(mut snapshot: Snapshot, is_past: bool) -> (Snapshot, Digest) {
    let made_up = Digest::for_tests(7);
    let entry = snapshot.entries.get_mut(Path::new("a")).unwrap();
    (entry.content, entry.is_past) = (Some(made_up), is_past);
    (snapshot, made_up)
}

fn content_after(change: fn(&Path), is_past: bool) -> (Option<Digest>, Digest) {
    let (_guard, dir) = directory();
    let (known, made_up) = with_made_up_content(snapshot(&dir), is_past);
    change(&dir.join("a"));
    let after = How { before: Some(&known), ..How::default() }.read(&dir).unwrap();
    (entry(&after, "a").content, made_up)
}

#[test]
fn a_file_is_read_again_only_if_its_stat_changed() {
    let (content, made_up) = content_after(|_| (), true);
    assert_eq!(content, Some(made_up), "it is not read");
    let changes: [fn(&Path); 3] = [
        |file| fs::write(file, "other").unwrap(),
        |file| set_modified(file, long_ago()),
        |file| {
            fs::copy(file, file.with_extension("new")).unwrap();
            fs::rename(file.with_extension("new"), file).unwrap();
        },
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let (content, made_up) = content_after(change, true);
        assert_ne!(content, Some(made_up), "change {index}");
    }
}

#[test]
fn a_young_file_is_read_again_although_its_stat_is_the_same() {
    let (content, made_up) = content_after(|_| (), false);
    assert_ne!(content, Some(made_up));
    let (_guard, dir) = directory();
    assert!(!entry(&snapshot(&dir), "a").is_past, "it was just written");
}

#[test]
fn the_access_to_a_file_that_is_not_read_again_is_that_of_now() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(dir.path(), &payload([("a", "1")])).unwrap();
    let (mut known, _) = with_made_up_content(snapshot(volume.path()), true);
    known.entries.get_mut(Path::new("a")).unwrap().access = None;
    let after = How { before: Some(&known), ..How::default() }.read(volume.path()).unwrap();
    assert_eq!(entry(&after, "a").content, entry(&known, "a").content);
    assert!(entry(&after, "a").access.is_some());
}

#[test]
fn access_is_known_of_the_files_of_volumes_only() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Volume::create(&dir.path().join("v"), &payload([("z", "1"), ("conf.d/a", "1")])).unwrap();
    fs::write(volume.path().join("note"), "").unwrap();
    let all = snapshot(volume.path());
    let names: Vec<&Path> = all.access().map(|(name, _)| name).collect();
    assert_eq!(names, [Path::new("conf.d/a"), Path::new("z")]);
    let before = all.access().next().unwrap().1;
    fs::set_permissions(volume.path().join("conf.d/a"), fs::Permissions::from_mode(0o600)).unwrap();
    let after = snapshot(volume.path());
    assert_ne!(after.access().next().unwrap().1, before);
    assert_eq!(after.digest, all.digest);
}

#[test]
fn a_name_that_goes_before_its_turn_tears_the_snapshot() {
    let (_guard, dir) = directory();
    let ignore = IgnoreGlobs::default();
    let mut walk = Walk::new(&dir, Scope { ignore: &ignore, recursive: false }, false);
    walk.next().unwrap();
    fs::remove_file(dir.join("a")).unwrap();
    fs::remove_file(dir.join("b")).unwrap();
    symlink("nowhere", dir.join("b")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let torn = runtime.block_on(Reader::new(None).run(None, walk)).unwrap();
    assert_eq!((names(&torn), torn.notes.is_torn), (vec!["b".to_owned()], true));
    assert!(!snapshot(&dir).notes.is_torn, "a dangling link is no torn snapshot");
}

fn rests(path: &Path) -> usize {
    let ignore = IgnoreGlobs::default();
    let mut reading = pin!(Snapshot::read(path, Scope { ignore: &ignore, recursive: false }, None, None));
    let mut count = 0;
    while reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        count += 1;
    }
    count
}

#[test]
fn the_reader_rests_after_each_whole_mebibyte_and_after_many_names() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(rests(dir.path()), 0);
    fs::File::create(dir.path().join("a")).unwrap().set_len(7 << 19).unwrap();
    assert_eq!(rests(dir.path()), 3);
    fs::remove_file(dir.path().join("a")).unwrap();
    for name in 0..600 {
        symlink("nowhere", dir.path().join(name.to_string())).unwrap();
    }
    assert_eq!(rests(dir.path()), 2);
}
