//! Way: resolves a path name by name, and notes what would make it lead elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::kubelet::DATA_LINK;

/// More links than the kernel follows (`MAXSYMLINKS`, path_resolution(7)).
const MOST_LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// A directory; its path without links.
    Directory(PathBuf),
    /// Anything else that exists; its path without links.
    File(PathBuf),
    /// Nothing: a name on the way is missing, is no directory, or leads in a circle.
    Missing,
    /// A place in another mount namespace (`/proc/PID/root`, proc_pid_root(5)), where no link can be followed.
    Foreign,
}

/// The names on the way to a path.
#[derive(Debug, Default)]
pub struct Way {
    /// Directories without links, and the name in each that the way depends on.
    pub(super) names: Vec<(PathBuf, OsString)>,
    /// The file at the end.
    pub(super) file: Option<PathBuf>,
    /// The volume whose `..data` link the way leads through.
    pub(super) volume: Option<PathBuf>,
}

impl Way {
    /// Resolves a path.
    pub fn of(path: &Path) -> (Root, Self) {
        let mut way = Self::default();
        let root = way.go(path);
        (root, way)
    }

    fn go(&mut self, path: &Path) -> Root {
        let mut ahead = names_of(path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            let Ok(metadata) = fs::symlink_metadata(&next) else {
                self.note(&at, name);
                return Root::Missing;
            };
            if metadata.is_symlink() {
                if is_foreign(&at, &name) {
                    return Root::Foreign;
                }
                let Ok(target) = fs::read_link(&next) else { return Root::Missing };
                let volume = (name == DATA_LINK).then(|| at.clone());
                self.note(&at, name);
                self.volume = self.volume.take().or(volume);
                links += 1;
                if links > MOST_LINKS {
                    return Root::Missing;
                }
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                ahead.extend(names_of(&target));
            } else if metadata.is_dir() {
                at = next;
            } else {
                self.note(&at, name);
                if !ahead.is_empty() {
                    return Root::Missing;
                }
                if metadata.is_file() && self.volume.is_none() {
                    self.file = Some(next.clone());
                }
                return Root::File(next);
            }
        }
        Root::Directory(at)
    }

    /// Below `..data` nothing is watched: it is written once, before the swap, and removed after the next.
    fn note(&mut self, directory: &Path, name: OsString) {
        if self.volume.is_none() {
            self.names.push((directory.to_owned(), name));
        }
    }
}

/// Whether this link of `/proc` leads into the mount namespace of a process: its text is not where it leads.
fn is_foreign(directory: &Path, name: &OsStr) -> bool {
    let of_process = directory.strip_prefix("/proc").is_ok_and(|rest| rest != Path::new(""));
    of_process && (name == "root" || name == "cwd")
}

/// The names of a path, the last first.
fn names_of(path: &Path) -> Vec<OsString> {
    let name = |component| match component {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).map(OsStr::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn root() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        (dir, path)
    }

    /// The names on the way, with their directories relative to `root`.
    fn names(root: &Path, path: &str) -> Vec<String> {
        let (_, way) = Way::of(&root.join(path));
        let name = |(directory, name): (PathBuf, OsString)| directory.strip_prefix(root).unwrap().join(name);
        way.names.into_iter().map(|noted| name(noted).display().to_string()).collect()
    }

    #[test]
    fn a_path_leads_to_a_directory_a_file_or_nothing() {
        let (_guard, root) = root();
        fs::create_dir_all(root.join("releases/1/conf")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        symlink("releases/1", root.join("current")).unwrap();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let table: [(&str, Root, &[&str]); 9] = [
            ("", Root::Directory(root.clone()), &[]),
            ("file", Root::File(root.join("file")), &["file"]),
            ("file/x", Root::Missing, &["file"]),
            ("x/y/z", Root::Missing, &["x"]),
            ("releases/2", Root::Missing, &["releases/2"]),
            ("current/conf", Root::Directory(root.join("releases/1/conf")), &["current"]),
            ("current/../1/conf", Root::Directory(root.join("releases/1/conf")), &["current"]),
            ("current/x", Root::Missing, &["current", "releases/1/x"]),
            ("current/../../file", Root::File(root.join("file")), &["current", "file"]),
        ];
        for (path, expected, on_the_way) in table {
            assert_eq!(Way::of(&root.join(path)).0, expected, "{path}");
            assert_eq!(names(&root, path), on_the_way, "{path}");
        }
        let (circle, way) = Way::of(&root.join("a"));
        assert_eq!((circle, way.names.len()), (Root::Missing, MOST_LINKS + 1));
    }

    #[test]
    fn below_the_swap_nothing_is_noted() {
        let (_guard, root) = root();
        let volume = root.join("volume");
        fs::create_dir_all(volume.join("..ts/conf.d")).unwrap();
        fs::write(volume.join("..ts/conf.d/key"), "1").unwrap();
        symlink("..ts", volume.join(DATA_LINK)).unwrap();
        symlink("..data/conf.d", volume.join("conf.d")).unwrap();
        symlink("volume/conf.d", root.join("app")).unwrap();
        for (path, on_the_way) in [
            ("volume/conf.d", &["volume/conf.d", "volume/..data"][..]),
            ("volume/conf.d/key", &["volume/conf.d", "volume/..data"]),
            ("volume/..data/conf.d", &["volume/..data"]),
            ("volume/..data", &["volume/..data"]),
            ("app/key", &["app", "volume/conf.d", "volume/..data"]),
        ] {
            let (_, way) = Way::of(&root.join(path));
            assert_eq!((way.volume.as_ref(), way.file), (Some(&volume), None), "{path}");
            assert_eq!(names(&root, path), on_the_way, "{path}");
        }
        let (_, way) = Way::of(&volume);
        assert_eq!(way.volume, None);
    }

    #[test]
    fn a_way_through_another_mount_namespace_is_foreign() {
        let (_guard, root) = root();
        symlink("/proc/self/root/etc", root.join("link")).unwrap();
        let paths = [root.join("link"), "/proc/self/root".into(), "/proc/1/root/etc".into()];
        for path in paths.iter().map(PathBuf::as_path).chain([Path::new("/proc/thread-self/cwd/x")]) {
            assert_eq!(Way::of(path).0, Root::Foreign, "{}", path.display());
        }
        assert_ne!(Way::of(Path::new("/proc/self/status")).0, Root::Foreign);
    }
}
