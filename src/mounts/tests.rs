use super::*;
use proptest::prelude::*;
use std::ffi::OsStr;

fn mount(root: &str, point: &str) -> Mount {
    Mount { id: 1, parent: 0, root: root.into(), point: point.into() }
}

/// Mounts these roots on these points, one after the other, as the kernel does.
fn mounted<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for ((root, point), id) in all.into_iter().zip(10..) {
        let parent = holding(&mounts, Path::new(point)).map_or(1, |holding| holding.id);
        mounts.push(Mount { id, parent, ..mount(root, point) });
    }
    mounts
}

#[test]
fn lines_of_real_pods_are_read() {
    let text = "\
        642 541 0:58 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a:/b\n\
        655 642 8:1 /var/lib/kubelet/pods/7/volumes/kubernetes.io~configmap/c /etc/whole ro - ext4 /dev/sda1 rw\n\
        656 642 8:1 /var/lib/kubelet/pods/7/volumes/kubernetes.io~configmap/c/..2026_11_22_19_00_00.123456789/a\\040b.conf /etc/a\\040b.conf ro,relatime shared:3 - ext4 /dev/sda1 rw\n\
        657 642 0:61 /..2026_11_22_19_00_00.12/key//deleted /etc/key ro - tmpfs tmpfs rw\n\
        \n\
        what is no line\n";
    let mounts = parse(text.as_bytes());
    let found: Vec<(&str, bool, bool)> = mounts
        .iter()
        .map(|mount| (mount.point.to_str().unwrap(), mount.is_sub_path(), mount.is_deleted()))
        .collect();
    assert_eq!(
        found,
        [
            ("/", false, false),
            ("/etc/whole", false, false),
            ("/etc/a b.conf", true, false),
            ("/etc/key", true, true)
        ]
    );
}

#[test]
fn only_the_kubelets_directories_give_a_sub_path_away() {
    let table = [
        ("/v/..2026_11_22_19_00_00.1/key", true),
        ("/..2026_11_22", true),
        ("/v/..2026_11_22_x/conf.d", true),
        ("/v/..data/key", false),
        ("/v/..2026-11-22/key", false),
        ("/v/.2026_11_22/key", false),
        ("/v/x..2026_11_22/key", false),
        ("/v/..2026_11_2", false),
        ("/v/..202a_11_22", false),
        ("/v/key//deleted", false),
        ("/v/deleted", false),
        ("/", false),
    ];
    for (root, expected) in table {
        assert_eq!(mount(root, "/m").is_sub_path(), expected, "{root}");
    }
}

#[test]
fn what_is_mounted_last_on_the_way_counts_and_so_do_those_below() {
    let mounts = mounted([
        ("/root", "/"),
        ("/first", "/etc/app"),
        ("/second", "/etc/app"),
        ("/file", "/etc/app/a.conf"),
        ("/deep", "/etc/app/sub/b.conf"),
        ("/hidden", "/srv/x/y"),
        ("/over", "/srv/x"),
    ]);
    let table: &[(&str, bool, &[&str])] = &[
        ("/etc/app", false, &["/second", "/file"]),
        ("/etc/app", true, &["/second", "/file", "/deep"]),
        ("/etc/app/a.conf", false, &["/file"]),
        ("/etc/app/a.confx", false, &["/second"]),
        ("/etc/apps", false, &["/root"]),
        ("/srv/x", true, &["/over"]),
        ("/srv/x/y", true, &["/over"]),
        ("/srv", false, &["/root", "/over"]),
    ];
    for (path, deep, expected) in table {
        let found = concerning(&mounts, Path::new(path), *deep);
        let roots: Vec<&str> = found.iter().map(|mount| mount.root.to_str().unwrap()).collect();
        assert_eq!(roots, *expected, "{path} deep={deep}");
    }
}

#[test]
fn in_a_chroot_whose_root_is_no_mount_the_longest_counts() {
    let mounts = [mount("/a", "/etc"), Mount { id: 2, parent: 9, ..mount("/b", "/etc/x") }];
    assert_eq!(concerning(&mounts, Path::new("/etc/x/y"), false), [&mounts[1]]);
    assert!(concerning(&mounts, Path::new("/srv"), false).is_empty());
}

/// As the kernel writes it (`mangle_path`).
fn escaped(path: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match byte {
        b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
        other => vec![*other],
    };
    path.iter().flat_map(escape).collect()
}

fn paths() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b' '), Just(b'\\'), Just(b'\n'), Just(b'/'), Just(b'0'), any::<u8>()];
    prop::collection::vec(byte, 0..30)
        .prop_map(|bytes| [b"/", &*bytes].concat().into_iter().filter(|byte| *byte != 0).collect())
}

proptest! {
    #[test]
    fn any_path_survives_the_kernels_escapes(root in paths(), point in paths()) {
        let line = [b"1 0 0:3 ", &*escaped(&root), b" ", &*escaped(&point), b" rw - x x x\n"].concat();
        let os = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        prop_assert_eq!(parse(&line), [Mount { root: os(&root), point: os(&point), ..mount("", "") }]);
    }

    #[test]
    fn no_text_is_too_odd(text in prop::collection::vec(any::<u8>(), 0..200)) {
        for mount in parse(&text) {
            prop_assert!(mount.point.is_absolute());
            mount.is_sub_path();
        }
    }

    #[test]
    fn a_path_is_in_what_was_mounted_last_on_its_way_whatever_the_order_of_the_lines(
        points in prop::collection::vec("(/[ab]){1,3}", 0..6), path in "(/[ab]){1,4}", turn in 0..6usize
    ) {
        let points: Vec<&str> = std::iter::once("/").chain(points.iter().map(String::as_str)).collect();
        let mut mounts = mounted(points.iter().map(|point| ("/", *point)));
        let path = Path::new(&path);
        let expected = mounts.iter().rfind(|mount| path.starts_with(&mount.point)).cloned();
        let turn = turn % mounts.len();
        mounts.rotate_left(turn);
        prop_assert_eq!(holding(&mounts, path).cloned(), expected);
    }
}
