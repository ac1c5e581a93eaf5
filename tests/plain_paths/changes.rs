//! Ways to change a directory: each is one signal.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};

use crate::Watched;
use crate::support::files;

#[test]
fn a_file_written_in_place_is_one_signal() {
    let watched = Watched::new();
    fs::write(watched.path("a.conf"), "2").unwrap();
    watched.expect_signal(1, &files([("a.conf", "2"), ("b.conf", "1")]));
}

#[test]
fn a_file_written_without_truncation_is_one_signal() {
    let watched = Watched::new();
    let file = OpenOptions::new().write(true).open(watched.path("a.conf")).unwrap();
    file.write_all_at(b"2", 0).unwrap();
    drop(file);
    watched.expect_signal(1, &files([("a.conf", "2"), ("b.conf", "1")]));
}

#[test]
fn a_file_that_is_kept_open_is_one_signal_a_write() {
    let watched = Watched::new();
    let mut file = OpenOptions::new().append(true).open(watched.path("a.conf")).unwrap();
    file.write_all(b"2").unwrap();
    watched.scene.expect_signal(1, &files([("a.conf", "12"), ("b.conf", "1")]));
    file.write_all(b"3").unwrap();
    watched.expect_signal(2, &files([("a.conf", "123"), ("b.conf", "1")]));
    // Closing it changes nothing.
    drop(file);
    watched.scene.expect_no_more_than(3);
}

#[test]
fn a_file_truncated_is_one_signal() {
    let watched = Watched::new();
    OpenOptions::new().write(true).open(watched.path("a.conf")).unwrap().set_len(0).unwrap();
    watched.expect_signal(1, &files([("a.conf", ""), ("b.conf", "1")]));
}

#[test]
fn a_file_replaced_by_a_temporary_one_is_one_signal() {
    let watched = Watched::new();
    fs::write(watched.path(".a.conf.tmp"), "2").unwrap();
    fs::rename(watched.path(".a.conf.tmp"), watched.path("a.conf")).unwrap();
    watched.expect_signal(1, &files([("a.conf", "2"), ("b.conf", "1")]));
}

#[test]
fn a_file_moved_in_and_out_is_one_signal_each() {
    let watched = Watched::new();
    let outside = watched.outside.path().join("new");
    fs::write(&outside, "2").unwrap();
    fs::rename(&outside, watched.path("a.conf")).unwrap();
    watched.scene.expect_signal(1, &files([("a.conf", "2"), ("b.conf", "1")]));
    fs::rename(watched.path("a.conf"), &outside).unwrap();
    watched.expect_signal(2, &files([("b.conf", "1")]));
}

#[test]
fn a_file_deleted_is_one_signal() {
    let watched = Watched::new();
    fs::remove_file(watched.path("a.conf")).unwrap();
    watched.expect_signal(1, &files([("b.conf", "1")]));
}

#[test]
fn a_new_file_is_one_signal() {
    let watched = Watched::new();
    fs::write(watched.path("c.conf"), "1").unwrap();
    watched.expect_signal(1, &files([("a.conf", "1"), ("b.conf", "1"), ("c.conf", "1")]));
}

#[test]
fn a_new_empty_file_is_one_signal() {
    let watched = Watched::new();
    fs::write(watched.path("c.conf"), "").unwrap();
    watched.expect_signal(1, &files([("a.conf", "1"), ("b.conf", "1"), ("c.conf", "")]));
}

#[test]
fn a_file_renamed_is_one_signal() {
    let watched = Watched::new();
    fs::rename(watched.path("a.conf"), watched.path("z.conf")).unwrap();
    watched.expect_signal(1, &files([("b.conf", "1"), ("z.conf", "1")]));
}

#[test]
fn contents_exchanged_are_one_signal() {
    let watched = Watched::new();
    fs::write(watched.path("a.conf"), "2").unwrap();
    watched.scene.expect_signal(1, &files([("a.conf", "2"), ("b.conf", "1")]));
    fs::rename(watched.path("a.conf"), watched.path("tmp")).unwrap();
    fs::rename(watched.path("b.conf"), watched.path("a.conf")).unwrap();
    fs::rename(watched.path("tmp"), watched.path("b.conf")).unwrap();
    watched.expect_signal(2, &files([("a.conf", "1"), ("b.conf", "2")]));
}

#[test]
fn a_link_to_a_file_is_one_signal_when_it_leads_elsewhere() {
    let watched = Watched::new();
    let (one, two) = (watched.outside.path().join("one"), watched.outside.path().join("two"));
    fs::write(&one, "one").unwrap();
    fs::write(&two, "two").unwrap();
    symlink(&one, watched.path("c.conf")).unwrap();
    watched.scene.expect_signal(1, &files([("a.conf", "1"), ("b.conf", "1"), ("c.conf", "one")]));
    symlink(&two, watched.path("c.new")).unwrap();
    fs::rename(watched.path("c.new"), watched.path("c.conf")).unwrap();
    watched.expect_signal(2, &files([("a.conf", "1"), ("b.conf", "1"), ("c.conf", "two")]));
}

#[test]
fn a_hard_link_is_one_signal() {
    let watched = Watched::new();
    fs::hard_link(watched.path("a.conf"), watched.path("c.conf")).unwrap();
    watched.expect_signal(1, &files([("a.conf", "1"), ("b.conf", "1"), ("c.conf", "1")]));
}

#[test]
fn each_of_many_changes_is_one_signal() {
    let watched = Watched::new();
    for count in 1..=10 {
        // Same length, and often within one tick of the file system's clock.
        fs::write(watched.path("a.conf"), format!("{count:02}")).unwrap();
        watched
            .scene
            .expect_signal(count, &files([("a.conf", format!("{count:02}").as_str()), ("b.conf", "1")]));
    }
}
