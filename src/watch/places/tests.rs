use super::*;
use std::os::unix::fs::symlink;

fn root() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

fn interests(path: &Path) -> Vec<(PathBuf, Interest)> {
    Places::of(&[path.to_owned()], false)
        .iter()
        .map(|place| (place.path.clone(), place.interest.clone()))
        .collect()
}

fn name(name: &str) -> Interest {
    Interest::Name(name.into())
}

#[test]
fn a_directory_is_one_place() {
    let (_guard, root) = root();
    assert_eq!(interests(&root), [(root.clone(), Interest::Everything)]);
    assert_eq!(Root::of(&root), Root::Directory(root));
}

#[test]
fn a_recursive_directory_is_a_tree() {
    let (_guard, root) = root();
    let places = Places::of(std::slice::from_ref(&root), true);
    assert_eq!(places.at(&root)[0].interest, Interest::Tree);
    for (path, trees) in [("", 1), ("a", 1), ("a/b", 1), ("..", 1), ("../../x", 1)] {
        assert_eq!(places.trees_above(&root.join(path)).count(), trees, "{path}");
    }
    assert_eq!(places.trees_above(Path::new("/elsewhere")).count(), 0);
}

#[test]
fn a_file_is_watched_by_content_and_by_name() {
    let (_guard, root) = root();
    let file = root.join("a.conf");
    fs::write(&file, "a").unwrap();
    assert_eq!(interests(&file), [(root.clone(), name("a.conf")), (file.clone(), Interest::Content)]);
    assert_eq!(Root::of(&file), Root::File(file));
}

#[test]
fn a_missing_path_is_watched_where_it_would_appear() {
    let (_guard, root) = root();
    assert_eq!(interests(&root.join("a/b/c")), [(root.clone(), name("a"))]);
    assert_eq!(Root::of(&root.join("a/b/c")), Root::Missing);
}

#[test]
fn a_name_below_a_file_is_missing() {
    let (_guard, root) = root();
    fs::write(root.join("a"), "").unwrap();
    assert_eq!(interests(&root.join("a/b")), [(root.clone(), name("a"))]);
    assert_eq!(Root::of(&root.join("a/b")), Root::Missing);
}

#[test]
fn every_link_on_the_way_is_watched() {
    let (_guard, root) = root();
    fs::create_dir_all(root.join("releases/1/conf")).unwrap();
    symlink("releases/1", root.join("current")).unwrap();
    let way = interests(&root.join("current/conf"));
    let end = root.join("releases/1/conf");
    assert_eq!(way, [(root.clone(), name("current")), (end.clone(), Interest::Everything)]);
    assert_eq!(Root::of(&root.join("current/../1/conf")), Root::Directory(end));
}

#[test]
fn a_circle_of_links_is_missing() {
    let (_guard, root) = root();
    symlink("b", root.join("a")).unwrap();
    symlink("a", root.join("b")).unwrap();
    assert_eq!(Root::of(&root.join("a")), Root::Missing);
    assert_eq!(interests(&root.join("a")), [(root.clone(), name("a")), (root.clone(), name("b"))]);
}

fn volume(root: &Path) -> PathBuf {
    let volume = root.join("volume");
    fs::create_dir_all(volume.join("..ts/conf.d")).unwrap();
    fs::write(volume.join("..ts/key"), "1").unwrap();
    symlink("..ts", volume.join(DATA_LINK)).unwrap();
    symlink("..data/key", volume.join("key")).unwrap();
    symlink("..data/conf.d", volume.join("conf.d")).unwrap();
    volume
}

#[test]
fn below_the_swap_nothing_is_watched() {
    let (_guard, root) = root();
    let volume = volume(&root);
    for key in ["key", "conf.d"] {
        let expected = [(volume.clone(), name(key)), (volume.clone(), name(DATA_LINK))];
        assert_eq!(interests(&volume.join(key)), expected);
        assert_eq!(volume_of(&volume.join(key)), Some(volume.clone()));
    }
    assert_eq!(volume_of(&volume), Some(volume.clone()));
    assert_eq!(volume_of(&root), None);
}

#[test]
fn a_link_from_outside_leads_into_the_volume() {
    let (_guard, root) = root();
    let volume = volume(&root);
    symlink("volume/key", root.join("app.conf")).unwrap();
    assert_eq!(volume_of(&root.join("app.conf")), Some(volume.clone()));
    let way = interests(&root.join("app.conf"));
    assert_eq!(
        way,
        [(root, name("app.conf")), (volume.clone(), name("key")), (volume.clone(), name(DATA_LINK))]
    );
}

#[test]
fn places_that_paths_share_are_held_once_for_each() {
    let (_guard, root) = root();
    for file in ["a", "b"] {
        fs::write(root.join(file), "").unwrap();
    }
    let places = Places::of(&[root.join("a"), root.join("b"), root.clone()], false);
    let at: Vec<_> = places.at(&root).iter().map(|place| (place.watched, place.interest.clone())).collect();
    assert_eq!(at, [(0, name("a")), (1, name("b")), (2, Interest::Everything)]);
}
