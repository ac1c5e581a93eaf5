//! Reads the configuration as an application would.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How much of a file is told.
const MAX_BYTES: u64 = 4096;
/// How deep directories are followed: a link may lead back up.
const MAX_DEPTH: usize = 8;

/// What is to be read at `paths`: name → content, or `error: …`.
///
/// The names in a directory are relative to it, a file has its base name. With several paths, each
/// name has its path in front.
pub(super) fn read(paths: &[PathBuf]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for path in paths {
        let prefix = if paths.len() > 1 { format!("{}/", path.display()) } else { String::new() };
        if path.is_dir() {
            read_directory(path, &prefix, MAX_DEPTH, &mut files);
        } else {
            let base_name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = if paths.len() > 1 { path.to_string_lossy() } else { base_name };
            files.insert(name.into_owned(), content(path));
        }
    }
    files
}

fn read_directory(dir: &Path, prefix: &str, depth: usize, files: &mut BTreeMap<String, String>) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            files.insert(format!("{prefix}."), describe(&error));
            return;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("..") {
            continue; // the kubelet's
        }
        let (path, name) = (entry.path(), format!("{prefix}{name}"));
        if depth > 0 && path.is_dir() {
            read_directory(&path, &format!("{name}/"), depth - 1, files);
        } else {
            files.insert(name, content(&path));
        }
    }
}

fn content(path: &Path) -> String {
    read_start(path).unwrap_or_else(|error| describe(&error))
}

fn read_start(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn describe(error: &io::Error) -> String {
    format!("error: {error}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::kubelet::{Volume, payload};

    #[test]
    fn a_volume_is_read_by_its_visible_names() {
        let dir = tempfile::tempdir().unwrap();
        let content = payload([("a.conf", "1"), ("conf.d/b.conf", "2")]);
        Volume::create(dir.path(), &content).unwrap();
        let expected = [("a.conf", "1"), ("conf.d/b.conf", "2")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(read(&[dir.path().to_owned()]), expected.into());
    }

    #[test]
    fn several_paths_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["one", "two"] {
            Volume::create(&dir.path().join(sub), &payload([("key", sub)])).unwrap();
        }
        let paths = [dir.path().join("one"), dir.path().join("two/key")];
        let files = read(&paths);
        let one = paths[0].join("key").to_string_lossy().into_owned();
        assert_eq!(files[&one], "one");
        assert_eq!(files[&*paths[1].to_string_lossy()], "two");
        assert_eq!(read(&paths[1..]).keys().collect::<Vec<_>>(), ["key"]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        symlink("nowhere", dir.path().join("dangling")).unwrap();
        symlink("/dev/null", dir.path().join("device")).unwrap();
        let files = read(&[dir.path().to_owned()]);
        assert!(files["dangling"].starts_with("error: No such file"), "{files:?}");
        assert_eq!(files["device"], "error: not a regular file");
        let missing = read(&[dir.path().join("missing")]);
        assert!(missing["missing"].starts_with("error: "), "{missing:?}");
    }

    #[test]
    fn contents_are_cut_and_made_text_and_loops_end() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("large"), vec![b'x'; 5000]).unwrap();
        fs::write(dir.path().join("binary"), [b'a', 0xff]).unwrap();
        symlink(".", dir.path().join("loop")).unwrap();
        let files = read(&[dir.path().to_owned()]);
        assert_eq!(files["large"].len(), 4096);
        assert_eq!(files["binary"], "a\u{fffd}");
    }
}
