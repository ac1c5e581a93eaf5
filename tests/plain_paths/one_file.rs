//! A single plain file in `CONFIG_DIR`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Builder, DEADLINE, Scene, WakeUps, files, open_dir, plain_dir};

/// A sidecar that watches `app.conf` only.
struct Watched {
    scene: Scene,
    file: PathBuf,
    dir: TempDir,
}

impl Watched {
    fn new() -> Self {
        Self::with(|sidecar| sidecar)
    }

    fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let dir = open_dir();
        let file = plain_dir(dir.path(), &[("app.conf", "1"), ("other.conf", "1")]).join("app.conf");
        Self { scene: Scene::with(&[&file], set), file, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    #[track_caller]
    fn expect_content(&self, count: usize, content: &str) {
        self.scene.expect_signal(count, &files([("app.conf", content)]));
    }

    /// What has happened must not be a signal: the change made here must be the next, in each way
    /// that loses no watch.
    #[track_caller]
    fn expect_no_signal(&self, count: usize) {
        self.scene.expect_no_more_than(count);
        fs::write(&self.file, "written").unwrap();
        self.expect_content(count + 1, "written");
        replace(&self.path("new"), &self.file, "replaced");
        self.expect_content(count + 2, "replaced");
        fs::write(&self.file, "written again").unwrap();
        self.expect_content(count + 3, "written again");
    }
}

fn replace(new: &Path, file: &Path, content: &str) {
    fs::write(new, content).unwrap();
    fs::rename(new, file).unwrap();
}

#[test]
fn a_file_written_in_place_is_one_signal() {
    let watched = Watched::new();
    fs::write(&watched.file, "2").unwrap();
    watched.expect_content(1, "2");
    watched.expect_no_signal(1);
}

#[test]
fn a_file_replaced_is_one_signal_each_time() {
    let watched = Watched::new();
    for (count, text) in (1..).zip(["2", "3", "4"]) {
        replace(&watched.path("new"), &watched.file, text);
        watched.expect_content(count, text);
    }
    watched.expect_no_signal(3);
}

#[test]
fn a_file_deleted_and_made_again_is_one_signal() {
    let watched = Watched::new();
    fs::remove_file(&watched.file).unwrap();
    fs::write(&watched.file, "2").unwrap();
    watched.expect_content(1, "2");
    watched.expect_no_signal(1);
}

#[test]
fn a_file_made_again_after_a_while_is_one_signal() {
    let watched = Watched::new();
    fs::remove_file(&watched.file).unwrap();
    watched.scene.sidecar.wait_for_log(" gone path=", DEADLINE);
    watched.scene.expect_no_more_than(0);
    fs::write(&watched.file, "2").unwrap();
    watched.expect_content(1, "2");
    watched.expect_no_signal(1);
}

#[test]
fn a_file_made_again_with_the_same_content_is_no_signal() {
    let watched = Watched::with(|sidecar| sidecar.env("QUIET_PERIOD", "500ms"));
    fs::remove_file(&watched.file).unwrap();
    watched.scene.sidecar.wait_for_log(" gone path=", DEADLINE);
    fs::write(&watched.file, "1").unwrap();
    watched.scene.sidecar.wait_for_log(" back path=", DEADLINE);
    watched.expect_no_signal(0);
}

#[test]
fn a_file_saved_with_a_hard_linked_backup_is_one_signal() {
    let watched = Watched::new();
    let backup = watched.path("app.conf~");
    fs::hard_link(&watched.file, &backup).unwrap();
    watched.scene.expect_no_more_than(0);
    replace(&watched.path("new"), &watched.file, "2");
    watched.expect_content(1, "2");
    // The backup is the file that was watched first.
    fs::write(&backup, "backup").unwrap();
    fs::remove_file(&backup).unwrap();
    watched.expect_no_signal(1);
}

#[test]
fn a_file_moved_to_a_backup_and_written_anew_is_one_signal() {
    let watched = Watched::new();
    fs::rename(&watched.file, watched.path("app.conf~")).unwrap();
    fs::write(&watched.file, "2").unwrap();
    watched.expect_content(1, "2");
    watched.expect_no_signal(1);
}

#[test]
fn its_neighbours_are_no_signal_and_no_change_of_watch() {
    let watched = Watched::new();
    fs::write(watched.path("other.conf"), "2").unwrap();
    replace(&watched.path("new"), &watched.path("other.conf"), "3");
    fs::write(watched.path("another.conf"), "1").unwrap();
    fs::remove_file(watched.path("other.conf")).unwrap();
    watched.expect_no_signal(0);
}

#[test]
fn reads_are_no_wake_up() {
    let watched = Watched::new();
    let before = WakeUps::when_idle(watched.scene.sidecar.pid());
    for _ in 0..1000 {
        assert_eq!(fs::read_to_string(&watched.file).unwrap(), "1");
    }
    watched.scene.expect_no_more_than(0);
    assert_eq!(WakeUps::of(watched.scene.sidecar.pid()), before);
    watched.expect_no_signal(0);
}

#[test]
fn a_file_through_links_counts_where_it_is_written() {
    let dir = open_dir();
    let real = plain_dir(&dir.path().join("real"), &[("file", "1"), ("second", "other")]);
    let (link, second) = (dir.path().join("app.conf"), dir.path().join("hop"));
    symlink(real.join("file"), &second).unwrap();
    symlink("hop", &link).unwrap();
    let scene = Scene::watching(&link);
    let expect = |count, text| scene.expect_signal(count, &files([("app.conf", text)]));
    fs::write(real.join("file"), "2").unwrap();
    expect(1, "2");
    replace(&real.join("new"), &real.join("file"), "3");
    expect(2, "3");
    // The second link of the way leads elsewhere.
    symlink(real.join("second"), dir.path().join("new")).unwrap();
    fs::rename(dir.path().join("new"), &second).unwrap();
    expect(3, "other");
    fs::write(real.join("file"), "unseen").unwrap();
    scene.expect_no_more_than(3);
    fs::write(real.join("second"), "4").unwrap();
    expect(4, "4");
}
