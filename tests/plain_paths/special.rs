//! What else can be in a directory: nothing of it may block the sidecar or hide a change.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::support::{Scene, open_dir, plain_dir};

/// More than is hashed.
const BIG: u64 = 100 << 20;

/// Fills the directory with everything that is no readable configuration.
fn fill(dir: &Path) {
    mkfifo(&dir.join("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    drop(UnixListener::bind(dir.join("socket")).unwrap());
    symlink("nowhere", dir.join("dangling")).unwrap();
    symlink("loop", dir.join("loop")).unwrap();
    symlink(".", dir.join("self")).unwrap();
    symlink("/dev/zero", dir.join("device")).unwrap();
    fs::write(dir.join(OsStr::from_bytes(b"not-\xff-text\n")), "1").unwrap();
    fs::File::create(dir.join("big")).unwrap().set_len(BIG).unwrap();
}

/// Changes the filled directory by `change`, which must be one signal, as must be a change after it.
#[track_caller]
fn expect_one_signal(change: impl FnOnce(&Path)) {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    fill(&conf);
    let scene = Scene::watching(&conf);
    change(&conf);
    scene.expect_count(1);
    scene.expect_no_more_than(1);
    fs::write(conf.join("a.conf"), "fence").unwrap();
    let signal = scene.expect_count(2);
    assert_eq!(signal.files["a.conf"], "fence");
}

#[test]
fn a_change_beside_what_cannot_be_read_is_one_signal() {
    expect_one_signal(|dir| fs::write(dir.join("a.conf"), "2").unwrap());
}

#[test]
fn a_big_file_changed_in_the_middle_is_one_signal() {
    expect_one_signal(|dir| {
        OpenOptions::new().write(true).open(dir.join("big")).unwrap().write_all_at(b"2", BIG / 2).unwrap();
    });
}

#[test]
fn a_big_file_that_grows_is_one_signal() {
    expect_one_signal(|dir| {
        OpenOptions::new().write(true).open(dir.join("big")).unwrap().set_len(BIG + 1).unwrap();
    });
}

#[test]
fn a_big_file_replaced_is_one_signal() {
    expect_one_signal(|dir| {
        fs::File::create(dir.join("..new")).unwrap().set_len(BIG).unwrap();
        fs::rename(dir.join("..new"), dir.join("big")).unwrap();
    });
}

#[test]
fn a_file_whose_name_is_no_text_is_one_signal() {
    expect_one_signal(|dir| fs::write(dir.join(OsStr::from_bytes(b"not-\xff-text\n")), "2").unwrap());
}

#[test]
fn names_that_are_no_text_are_told_apart() {
    expect_one_signal(|dir| {
        let [one, other] =
            [b"not-\xff-text\n", b"not-\xfe-text\n"].map(|name| dir.join(OsStr::from_bytes(name)));
        fs::rename(one, other).unwrap();
    });
}

#[test]
fn a_dangling_link_led_elsewhere_is_one_signal() {
    expect_one_signal(|dir| {
        symlink("elsewhere", dir.join("..new")).unwrap();
        fs::rename(dir.join("..new"), dir.join("dangling")).unwrap();
    });
}

#[test]
fn a_dangling_link_that_comes_to_lead_to_a_file_is_one_signal() {
    expect_one_signal(|dir| fs::write(dir.join("nowhere"), "1").unwrap());
}

#[test]
fn a_pipe_that_goes_is_one_signal() {
    expect_one_signal(|dir| fs::remove_file(dir.join("fifo")).unwrap());
}

#[test]
fn a_new_socket_is_one_signal() {
    expect_one_signal(|dir| drop(UnixListener::bind(dir.join("socket-2")).unwrap()));
}

#[test]
fn a_file_in_the_place_of_a_pipe_is_one_signal() {
    expect_one_signal(|dir| {
        fs::write(dir.join("..new"), "").unwrap();
        fs::rename(dir.join("..new"), dir.join("fifo")).unwrap();
    });
}

#[test]
fn what_is_written_through_a_pipe_is_no_signal() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    fill(&conf);
    let scene = Scene::watching(&conf);
    let both_ends = || OpenOptions::new().read(true).write(true).open(conf.join("fifo")).unwrap();
    fs::write(conf.join("fence"), "1").unwrap();
    scene.expect_count(1);
    let pipe = both_ends();
    std::io::Write::write_all(&mut &pipe, b"text").unwrap();
    drop(pipe);
    scene.expect_no_more_than(1);
    fs::write(conf.join("fence"), "2").unwrap();
    scene.expect_count(2);
}
