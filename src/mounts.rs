//! Mounts: what is mounted where, by the text of proc_pid_mountinfo(5).

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::kubelet::is_payload_directory;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    id: u32,
    parent: u32,
    /// What of its file system is mounted.
    pub root: PathBuf,
    /// Where.
    pub point: PathBuf,
}

/// The kernel's mark of a root that was deleted.
const DELETED: &[u8] = b"//deleted";

/// The mounts that can be seen; none where they cannot be read.
pub fn all() -> Vec<Mount> {
    parse(&fs::read("/proc/self/mountinfo").unwrap_or_default())
}

/// Where something is mounted.
pub fn points() -> Vec<PathBuf> {
    all().into_iter().map(|mount| mount.point).collect()
}

/// All mounts; their order means nothing, for an initial RAM disk moves them about.
pub(super) fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    mountinfo.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

/// Fields 1, 2, 4 and 5.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ').map(unescaped);
    let mut number = || fields.next()?.to_str()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let (root, point) = (fields.nth(1)?.into(), PathBuf::from(fields.next()?));
    point.is_absolute().then_some(Mount { id, parent, root, point })
}

/// Blanks, tabs, line breaks and backslashes are written as `\` and three octal digits.
fn unescaped(field: &[u8]) -> OsString {
    let (mut bytes, mut rest) = (Vec::with_capacity(field.len()), field);
    while let [first, tail @ ..] = rest {
        if let (b'\\', Some(byte)) = (first, octal(tail)) {
            bytes.push(byte);
            rest = &tail[3..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    OsString::from_vec(bytes)
}

fn octal(bytes: &[u8]) -> Option<u8> {
    let digits = bytes.get(..3)?.iter().map(|byte| byte.checked_sub(b'0').filter(|digit| *digit < 8));
    let digits: Option<Vec<u8>> = digits.collect();
    let number = digits?.into_iter().fold(0_u16, |number, digit| number * 8 + u16::from(digit));
    u8::try_from(number).ok()
}

/// The mounts that `path`, which has no link in it, depends on: the one that it is in, and those below it;
/// without `deep`, only those on its own names.
pub fn concerning<'a>(mounts: &'a [Mount], path: &Path, deep: bool) -> Vec<&'a Mount> {
    let below = mounts.iter().filter(|mount| {
        let depth = mount.point.strip_prefix(path).map_or(0, |rest| rest.components().count());
        let is_seen = || holding(mounts, &mount.point).is_some_and(|seen| seen.id == mount.id);
        depth > 0 && (deep || depth == 1) && is_seen()
    });
    holding(mounts, path).into_iter().chain(below).collect()
}

/// The mount that `path` is in. The way is that of the kernel: down from the root, into each mount on it.
fn holding<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let on_the_way = || mounts.iter().filter(|mount| path.starts_with(&mount.point));
    let has_parent =
        |mount: &Mount| on_the_way().any(|other| other.id == mount.parent && other.id != mount.id);
    let length = |mount: &&Mount| mount.point.components().count();
    // Where the root itself is hidden (chroot), the longest is as near as one gets.
    let mut at = on_the_way()
        .find(|mount| mount.point == Path::new("/") && !has_parent(mount))
        .or_else(|| on_the_way().max_by_key(length))?;
    // A table that is not of one moment could lead in a circle.
    for _ in 0..mounts.len() {
        let inside = on_the_way().filter(|mount| mount.parent == at.id && mount.id != at.id);
        let Some(next) = inside.min_by_key(length) else { break };
        at = next;
    }
    Some(at)
}

impl Mount {
    /// Whether what is mounted was taken out of a kubelet volume, and so stays what it was.
    pub fn is_sub_path(&self) -> bool {
        self.root.iter().any(is_payload_directory)
    }

    /// Whether what is mounted has no name of its own any more.
    pub fn is_deleted(&self) -> bool {
        self.root.as_os_str().as_bytes().ends_with(DELETED)
    }
}

#[cfg(test)]
mod tests;
