//! What the acts do to single files.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sidecar_testkit::kubelet::Payload;

/// One name for a file that several paths lead to.
pub(crate) fn real(path: &Path) -> PathBuf {
    let beside = || {
        let dir = fs::canonicalize(path.parent()?).ok()?;
        Some(dir.join(path.file_name()?))
    };
    fs::canonicalize(path).ok().or_else(beside).unwrap_or_else(|| path.to_owned())
}

/// The bytes that are there already are written over themselves: a file that is empty for a moment would be a change.
pub(crate) fn in_place(path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        same(path)
    } else {
        fs::write(path, text)
    }
}

pub(crate) fn same(path: &Path) -> io::Result<()> {
    let bytes = fs::read(path)?;
    OpenOptions::new().write(true).open(path)?.write_all(&bytes)
}

pub(crate) fn rename_beside(to: &Path, text: &str) -> io::Result<()> {
    let new = to.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, to)
}

pub(crate) fn touch(path: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    File::open(path)?.set_times(FileTimes::new().set_accessed(now).set_modified(now))
}

pub(crate) fn read_all(path: &Path, depth: usize) -> io::Result<()> {
    if !path.is_dir() || depth == 0 {
        return fs::read(path).map(drop);
    }
    for entry in fs::read_dir(path)? {
        read_all(&entry?.path(), depth - 1)?;
    }
    Ok(())
}

pub(crate) fn collect(dir: &Path, prefix: &str, into: &mut Payload) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), into)?;
        } else {
            into.insert(name, fs::read(path)?);
        }
    }
    Ok(())
}
