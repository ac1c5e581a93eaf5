use super::*;
use crate::settings::IgnoreGlobs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;

use crate::kubelet::is_plumbing;
use sidecar_testkit::kubelet::{Step, Volume, payload};

mod age;

fn directory() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conf");
    fs::create_dir(&path).unwrap();
    (dir, path)
}

fn globs(items: &[&str]) -> IgnoreGlobs {
    IgnoreGlobs::new(&items.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}

fn walk(root: &Path, recursive: bool, ignore: &[&str]) -> Vec<Visit> {
    let ignore = globs(ignore);
    Walk::new(root, Scope { ignore: &ignore, recursive }, false).collect()
}

fn names(visits: &[Visit]) -> Vec<&str> {
    visits.iter().map(|visit| visit.name.to_str().unwrap()).collect()
}

fn is_entered(visits: &[Visit], name: &str) -> bool {
    let visit = visits.iter().find(|visit| visit.name == Path::new(name)).unwrap();
    matches!(visit.entered, Entered::Yes(_))
}

#[test]
fn names_are_visited_in_order_and_below_their_directory() {
    let (_guard, root) = directory();
    fs::create_dir_all(root.join("b/c")).unwrap();
    for file in ["z", "a", "b/z", "b/c/y", "b/a"] {
        fs::write(root.join(file), "").unwrap();
    }
    symlink("z", root.join("c")).unwrap();
    symlink("nowhere", root.join("aa")).unwrap();
    let visits = walk(&root, true, &[]);
    assert_eq!(names(&visits), ["", "a", "aa", "b", "b/a", "b/c", "b/c/y", "b/z", "c", "z"]);
    for visit in &visits {
        assert_eq!(visit.path, root.join(&visit.name));
        assert_eq!(visit.is_link, ["aa", "c"].contains(&visit.name.to_str().unwrap()));
        assert_eq!(visit.found.is_err(), visit.name == Path::new("aa"), "links are followed");
    }
}

#[test]
fn only_the_root_is_entered_where_subdirectories_do_not_count() {
    let (_guard, root) = directory();
    fs::create_dir(root.join("sub")).unwrap();
    fs::write(root.join("sub/key"), "").unwrap();
    symlink("sub", root.join("link")).unwrap();
    let visits = walk(&root, false, &[]);
    assert_eq!(names(&visits), ["", "link", "sub"]);
    assert!(is_entered(&visits, "") && !is_entered(&visits, "link") && !is_entered(&visits, "sub"));
}

#[test]
fn the_root_may_be_a_file_a_link_or_missing() {
    let (guard, root) = directory();
    fs::write(root.join("key"), "").unwrap();
    symlink("conf", guard.path().join("link")).unwrap();
    for (path, expected) in [("link", vec!["", "key"]), ("conf/key", vec![""]), ("nothing", vec![""])] {
        assert_eq!(names(&walk(&guard.path().join(path), false, &[])), expected, "{path}");
    }
}

#[test]
fn real_directories_are_entered_before_links_to_them() {
    let (guard, root) = directory();
    fs::create_dir_all(root.join("z/deep")).unwrap();
    fs::write(root.join("z/deep/key"), "").unwrap();
    fs::create_dir(guard.path().join("other")).unwrap();
    fs::write(guard.path().join("other/key"), "").unwrap();
    symlink("z/deep", root.join("a")).unwrap();
    symlink("../other", root.join("b")).unwrap();
    let visits = walk(&root, true, &[]);
    assert_eq!(names(&visits), ["", "z", "z/deep", "z/deep/key", "a", "b", "b/key"]);
    assert!(is_entered(&visits, "z/deep") && !is_entered(&visits, "a") && is_entered(&visits, "b"));
}

/// Eight directories that link to each other would have more paths than there is memory.
#[test]
fn each_directory_is_entered_once_whatever_links_to_it() {
    for inside in [true, false] {
        let (guard, root) = directory();
        let place = if inside { root.clone() } else { guard.path().join("other") };
        for one in 0..8 {
            let directory = place.join(one.to_string());
            fs::create_dir_all(&directory).unwrap();
            for other in 0..8 {
                symlink(format!("../{other}"), directory.join(other.to_string())).unwrap();
            }
        }
        if !inside {
            symlink("../other/0", root.join("link")).unwrap();
        }
        let visits = walk(&root, true, &[]);
        let entered = visits.iter().filter(|visit| matches!(visit.entered, Entered::Yes(_))).count();
        let all = if inside { 1 + 8 + 64 } else { 1 + 1 + 64 };
        assert_eq!((visits.len(), entered), (all, 9), "inside: {inside}");
    }
}

#[test]
fn links_upwards_and_circles_end() {
    let (_guard, root) = directory();
    fs::create_dir(root.join("sub")).unwrap();
    symlink("..", root.join("sub/up")).unwrap();
    symlink(".", root.join("self")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    assert_eq!(names(&walk(&root, true, &[])), ["", "loop", "sub", "self", "sub/up"]);
}

#[test]
fn ignored_names_and_the_kubelets_are_left_out() {
    let (_guard, root) = directory();
    for directory in ["old.bak", "conf.d", "..note"] {
        fs::create_dir(root.join(directory)).unwrap();
        fs::write(root.join(directory).join("key"), "").unwrap();
    }
    for file in ["token", "conf.d/token", "conf.d/x", "..x", ".hidden"] {
        fs::write(root.join(file), "").unwrap();
    }
    let visits = walk(&root, true, &["token", "*.bak", "conf.d/x"]);
    assert_eq!(names(&visits), ["", ".hidden", "conf.d", "conf.d/key"]);
}

fn volume(root: &Path) -> PathBuf {
    let keys = payload([("a", "1"), ("conf.d/b", "1"), ("conf.d/deep/c", "1")]);
    let volume = Volume::create(&root.join("volume"), &keys).unwrap();
    let path = volume.path().to_owned();
    fs::create_dir(path.join("mine")).unwrap();
    fs::create_dir(root.join("other")).unwrap();
    for file in ["volume/mine/x", "volume/note", "other/y"] {
        fs::write(root.join(file), "").unwrap();
    }
    symlink("../other", path.join("out")).unwrap();
    path
}

#[test]
fn the_payload_of_a_volume_is_entered_and_nothing_else_in_it() {
    let guard = tempfile::tempdir().unwrap();
    let visits = walk(&volume(guard.path()), false, &[]);
    let keys = ["conf.d", "conf.d/b", "conf.d/deep", "conf.d/deep/c"];
    assert_eq!(names(&visits), [&["", "a", "mine", "note", "out"][..], &keys].concat());
    let of_kubelet: Vec<_> = visits.iter().filter(|visit| visit.in_volume).map(|visit| &visit.name).collect();
    assert_eq!(of_kubelet, ["a", "conf.d", "conf.d/b", "conf.d/deep", "conf.d/deep/c"].map(Path::new));
    let Entered::Yes(listing) = &visits[0].entered else { panic!("{visits:?}") };
    let inner_volume = listing.volume.as_ref().unwrap();
    assert!(inner_volume.payload.is_some());
    let mut real_names: Vec<_> = inner_volume.real_names.iter().filter(|name| !is_plumbing(name)).collect();
    real_names.sort_unstable();
    assert_eq!(real_names, ["mine", "note"]);
    let inner = visits.iter().filter_map(|visit| match &visit.entered {
        Entered::Yes(listing) if !visit.name.as_os_str().is_empty() => Some(listing),
        _ => None,
    });
    assert!(inner.clone().count() == 2 && inner.clone().all(|inner| inner.volume.is_none()));
}

#[test]
fn with_subdirectories_all_of_a_volume_is_entered_and_only_the_payload_is_of_it() {
    let guard = tempfile::tempdir().unwrap();
    volume(guard.path());
    let visits = walk(guard.path(), true, &[]);
    let in_volume = |name: &str| visits.iter().find(|visit| visit.name == Path::new(name)).unwrap().in_volume;
    for name in ["volume/a", "volume/conf.d", "volume/conf.d/deep/c"] {
        assert!(in_volume(name), "{name}");
    }
    for name in ["volume", "volume/mine", "volume/mine/x", "volume/note", "volume/out", "other/y"] {
        assert!(!in_volume(name), "{name}");
    }
    let Entered::Yes(listing) =
        &visits.iter().find(|visit| visit.name == Path::new("volume")).unwrap().entered
    else {
        panic!("{visits:?}")
    };
    assert!(listing.volume.is_some());
}

#[test]
fn a_listing_tells_of_an_update_of_the_kubelets_whatever_is_ignored() {
    let guard = tempfile::tempdir().unwrap();
    let volume = Volume::create(guard.path(), &payload([("a", "1"), ("b", "1")])).unwrap();
    let mut incomplete = Vec::new();
    let hook = |step| {
        let visits = walk(volume.path(), false, &["b", "c"]);
        let Entered::Yes(listing) = &visits[0].entered else { panic!("{visits:?}") };
        if listing.volume.as_ref().unwrap().payload.is_none() {
            incomplete.push(step);
        }
        ControlFlow::Continue(())
    };
    volume.write_with(&payload([("a", "1"), ("c", "1")]), hook).unwrap();
    assert_eq!(incomplete, [Step::Swapped, Step::LinksMade]);
}

#[test]
fn a_link_of_a_volume_that_leads_to_a_file_elsewhere_is_not_the_kubelets() {
    let guard = tempfile::tempdir().unwrap();
    let volume = volume(guard.path());
    symlink("../other/y", volume.join("file")).unwrap();
    let visits = walk(&volume, false, &[]);
    let visit = visits.iter().find(|visit| visit.name == Path::new("file")).unwrap();
    assert!(!visit.in_volume);
}

#[test]
fn a_link_upwards_in_a_payload_leads_out_of_the_volume() {
    let guard = tempfile::tempdir().unwrap();
    let path = volume(guard.path());
    symlink("../..", path.join("conf.d/up")).unwrap();
    let visits = walk(&path, false, &[]);
    assert!(names(&visits).ends_with(&["conf.d/deep", "conf.d/deep/c", "conf.d/up"]), "{:?}", names(&visits));
    assert!(!visits.last().unwrap().in_volume);
}

#[test]
fn below_the_swap_everything_is_of_the_volume() {
    let guard = tempfile::tempdir().unwrap();
    let root = volume(guard.path()).join("conf.d");
    let ignore = IgnoreGlobs::default();
    let scope = Scope { ignore: &ignore, recursive: false };
    let visits: Vec<Visit> = Walk::new(&root, scope, true).collect();
    assert_eq!(names(&visits), ["", "b", "deep", "deep/c"]);
    assert!(visits.iter().all(|visit| visit.in_volume));
    let plain: Vec<Visit> = Walk::new(&root, scope, false).collect();
    assert_eq!(names(&plain), ["", "b", "deep"]);
    assert!(!plain.iter().any(|visit| visit.in_volume));
}

#[test]
fn a_walk_ends_after_the_most_names_of_all_directories_together() {
    let (_guard, root) = directory();
    fs::create_dir(root.join("sub")).unwrap();
    for file in ["a", "token", "sub/b", "sub/c"] {
        fs::write(root.join(file), "").unwrap();
    }
    let ignore = globs(&["token"]);
    for (names_left, visited, is_cut) in
        [(5, 5, false), (4, 5, false), (3, 4, true), (2, 3, true), (1, 2, true)]
    {
        let mut walk = Walk::new(&root, Scope { ignore: &ignore, recursive: true }, false);
        assert_eq!(walk.names_left, 100_000);
        walk.names_left = names_left;
        let count = walk.by_ref().count();
        assert_eq!((count, walk.is_cut()), (visited, is_cut), "{names_left} names and the root");
    }
}
