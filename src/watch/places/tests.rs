use super::*;
use crate::kubelet::{DATA_LINK, is_plumbing};
use crate::settings::IgnoreGlobs;
use std::fs;
use std::os::unix::fs::symlink;

fn root() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

fn places(paths: &[PathBuf], recursive: bool) -> Places {
    let ignore = IgnoreGlobs::new(&["*.bak".to_owned()]).unwrap();
    Places::of(paths, Scope { ignore: &ignore, recursive })
}

fn interests(path: &Path, recursive: bool) -> Vec<(PathBuf, Interest)> {
    let places = places(&[path.to_owned()], recursive);
    places.iter().map(|place| (place.path.clone(), in_order(place.interest.clone()))).collect()
}

/// The filter asks for neither an order nor the kubelet's names.
fn in_order(mut interest: Interest) -> Interest {
    if let Interest::Directory { volume: Some(real_names), .. } = &mut interest {
        real_names.retain(|name| !is_plumbing(name));
        real_names.sort_unstable();
    }
    interest
}

fn directory(below: &str) -> Interest {
    Interest::Directory { below: below.into(), volume: None }
}

fn volume_with(below: &str, real: &[&str]) -> Interest {
    Interest::Directory { below: below.into(), volume: Some(real.iter().map(OsString::from).collect()) }
}

fn name(name: &str) -> Interest {
    Interest::Name { name: name.into(), in_volume: false }
}

fn key(name: &str) -> Interest {
    Interest::Name { name: name.into(), in_volume: true }
}

/// `volume` with the keys `key` and `conf.d/key`.
fn volume(root: &Path) -> PathBuf {
    let volume = root.join("volume");
    fs::create_dir_all(volume.join("..ts/conf.d")).unwrap();
    fs::write(volume.join("..ts/key"), "1").unwrap();
    fs::write(volume.join("..ts/conf.d/key"), "1").unwrap();
    symlink("..ts", volume.join(DATA_LINK)).unwrap();
    symlink("..data/key", volume.join("key")).unwrap();
    symlink("..data/conf.d", volume.join("conf.d")).unwrap();
    volume
}

/// `conf` with what there is of each kind, and `other/file`.
fn conf(root: &Path) -> PathBuf {
    for path in ["conf/sub/deep", "conf/old.bak", "other"] {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    for path in ["conf/key", "conf/sub/key", "other/file"] {
        fs::write(root.join(path), "").unwrap();
    }
    root.join("conf")
}

#[test]
fn a_directory_is_one_place() {
    let (_guard, root) = root();
    let conf = conf(&root);
    assert_eq!(interests(&conf, false), [(conf.clone(), directory(""))]);
}

#[test]
fn in_a_tree_each_directory_that_counts_is_a_place() {
    let (_guard, root) = root();
    let conf = conf(&root);
    let tree = [("", directory("")), ("sub", directory("sub")), ("sub/deep", directory("sub/deep"))];
    assert_eq!(
        interests(&conf, true),
        tree.map(|(path, interest)| (conf.join(path).components().collect(), interest))
    );
}

#[test]
fn a_file_is_watched_by_content_and_by_name() {
    let (_guard, root) = root();
    let file = root.join("a.conf");
    fs::write(&file, "a").unwrap();
    assert_eq!(interests(&file, false), [(root, name("a.conf")), (file, Interest::Content)]);
}

#[test]
fn a_missing_path_is_watched_where_it_would_appear() {
    let (_guard, root) = root();
    assert_eq!(interests(&root.join("a/b/c"), true), [(root.clone(), name("a"))]);
    fs::write(root.join("a"), "").unwrap();
    assert_eq!(interests(&root.join("a/b"), true), [(root, name("a"))], "below a file");
}

#[test]
fn every_link_on_the_way_is_watched() {
    let (_guard, root) = root();
    fs::create_dir_all(root.join("releases/1/conf")).unwrap();
    symlink("releases/1", root.join("current")).unwrap();
    let way = interests(&root.join("current/conf"), false);
    assert_eq!(way, [(root.clone(), name("current")), (root.join("releases/1/conf"), directory(""))]);
}

#[test]
fn a_circle_of_links_is_watched_by_its_names() {
    let (_guard, root) = root();
    symlink("b", root.join("a")).unwrap();
    symlink("a", root.join("b")).unwrap();
    assert_eq!(interests(&root.join("a"), false), [(root.clone(), name("a")), (root.clone(), name("b"))]);
}

#[test]
fn where_a_link_in_a_directory_leads_is_watched_by_name_and_content() {
    let (_guard, root) = root();
    let conf = conf(&root);
    symlink("../other/file", conf.join("app")).unwrap();
    symlink("../other/missing", conf.join("gone")).unwrap();
    symlink("../other/ignored", conf.join("x.bak")).unwrap();
    let expected = [
        (conf.clone(), directory("")),
        (conf.clone(), name("app")),
        (conf.clone(), name("gone")),
        (root.join("other"), name("file")),
        (root.join("other"), name("missing")),
        (root.join("other/file"), Interest::Content),
    ];
    assert_eq!(interests(&conf, false), expected);
}

#[test]
fn a_linked_directory_is_watched_under_its_own_path_if_subdirectories_count() {
    let (_guard, root) = root();
    let conf = conf(&root);
    symlink("../other", conf.join("link")).unwrap();
    symlink("sub", conf.join("again")).unwrap();
    let all = interests(&conf, true);
    let linked: Vec<_> = all.iter().filter(|(path, _)| path.starts_with(root.join("other"))).collect();
    assert_eq!(linked, [&(root.join("other"), directory("link"))]);
    let real: Vec<_> = all.iter().filter(|(path, _)| *path == conf.join("sub")).collect();
    assert_eq!(real, [&(conf.join("sub"), directory("sub"))], "it keeps its own name");
    assert!(all.contains(&(conf.clone(), name("link"))) && all.contains(&(conf.clone(), name("again"))));
    let flat = [(conf.clone(), directory("")), (conf.clone(), name("again")), (conf.clone(), name("link"))];
    assert_eq!(interests(&conf, false), flat);
}

#[test]
fn a_volume_is_one_place_that_knows_the_names_that_are_not_the_kubelets() {
    let (_guard, root) = root();
    let volume = volume(&root);
    assert_eq!(interests(&volume, false), [(volume.clone(), volume_with("", &[]))]);
    fs::create_dir(volume.join("mine")).unwrap();
    fs::write(volume.join("note"), "").unwrap();
    fs::write(volume.join("..note"), "").unwrap();
    assert_eq!(interests(&volume, false), [(volume.clone(), volume_with("", &["mine", "note"]))]);
    let tree = interests(&volume, true);
    assert_eq!(
        tree,
        [(volume.clone(), volume_with("", &["mine", "note"])), (volume.join("mine"), directory("mine"))]
    );
}

#[test]
fn a_path_through_a_volume_is_watched_down_to_the_swap() {
    let (_guard, root) = root();
    let volume = volume(&root);
    for name in ["key", "conf.d", "conf.d/key", "conf.d/missing"] {
        let expected = [key(name.split('/').next().unwrap()), key(DATA_LINK)];
        let expected = expected.map(|interest| (volume.clone(), interest));
        assert_eq!(interests(&volume.join(name), true), expected, "{name}");
    }
    assert_eq!(interests(&volume.join(DATA_LINK), true), [(volume.clone(), key(DATA_LINK))]);
}

#[test]
fn a_link_from_outside_leads_into_the_volume() {
    let (_guard, root) = root();
    let volume = volume(&root);
    fs::create_dir(root.join("conf")).unwrap();
    for link in ["app.conf", "conf/app.conf"] {
        let (link, watched) = (root.join(link), root.join(link.split('/').next().unwrap()));
        symlink(volume.join("key"), &link).unwrap();
        let way = [
            (link.parent().unwrap().to_owned(), name("app.conf")),
            (volume.clone(), key("key")),
            (volume.clone(), key(DATA_LINK)),
        ];
        let found = interests(&watched, false);
        assert!(found.ends_with(&way), "{found:?}");
    }
}

#[test]
fn a_linked_directory_of_a_volume_has_no_place_below_the_swap() {
    let (_guard, root) = root();
    let (conf, volume) = (conf(&root), volume(&root));
    symlink("../volume/conf.d", conf.join("link")).unwrap();
    let below: Vec<_> = interests(&conf, true)
        .into_iter()
        .filter(|(path, _)| path.starts_with(volume.join("..ts")))
        .collect();
    assert_eq!(below, []);
}

#[test]
fn places_that_paths_share_are_held_once_for_each() {
    let (_guard, root) = root();
    for file in ["a", "b"] {
        fs::write(root.join(file), "").unwrap();
    }
    symlink("a", root.join("c")).unwrap();
    symlink("a", root.join("d")).unwrap();
    let places = places(&[root.join("a"), root.join("b"), root.clone()], false);
    let at: Vec<_> = places.at(&root).iter().map(|place| (place.watched, place.interest.clone())).collect();
    let of_directory = [directory(""), name("c"), name("a"), name("d")].map(|interest| (2, interest));
    assert_eq!(at, [&[(0, name("a")), (1, name("b"))][..], &of_directory].concat());
    assert_eq!(places.at(&root.join("a")).len(), 2);
    assert_eq!(places.paths().collect::<Vec<_>>(), [&root, &root.join("a"), &root.join("b")]);
    assert_eq!(places.iter().count(), 9);
    assert_eq!(places.at(&root.join("x")), []);
}

#[test]
fn the_volumes_of_each_path_are_told() {
    let (_guard, root) = root();
    let (conf, volume) = (conf(&root), volume(&root));
    fs::rename(root.join("volume"), conf.join("inner")).unwrap();
    symlink("conf/inner", root.join("linked")).unwrap();
    fs::create_dir(root.join("next")).unwrap();
    let second = self::volume(&root.join("next"));
    symlink("../next/volume", conf.join("second")).unwrap();
    let inner = conf.join("inner");
    let none: &[PathBuf] = &[];
    let table: [(&Path, bool, &[PathBuf], bool); 10] = [
        (&conf, true, &[inner.clone(), second.clone()], false),
        (&conf, false, none, false),
        (&inner, false, std::slice::from_ref(&inner), false),
        (&root.join("linked"), false, std::slice::from_ref(&inner), false),
        (&inner.join("key"), false, std::slice::from_ref(&inner), true),
        (&inner.join("conf.d"), true, std::slice::from_ref(&inner), true),
        (&root.join("linked/conf.d/key"), false, std::slice::from_ref(&inner), true),
        (&inner.join("missing"), false, none, false),
        (&conf.join("key"), false, none, false),
        (&volume, false, none, false),
    ];
    for (path, recursive, all, is_inside) in table {
        let expected = Volumes { all: all.to_vec(), is_inside };
        assert_eq!(
            places(&[path.to_owned()], recursive).volumes(),
            [expected],
            "{} {recursive}",
            path.display()
        );
    }
    let both = places(&[conf, inner.join("key")], false);
    assert_eq!(both.volumes(), [Volumes::default(), Volumes { all: vec![inner], is_inside: true }]);
}
