//! Watched paths: what is there, and what of it the sidecar cannot follow.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::problem::{Code, Problem};
use crate::mounts::{self, Mount};
use crate::settings::Settings;
use crate::volume::{Snapshot, SnapshotError};
use crate::watch::{Root, Volumes, Way};

/// What a watched path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A FIFO, socket or device.
    Special,
    /// Nothing.
    Missing,
}

/// What there is to know of a watched path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathFacts {
    /// The path.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// The directory that the kubelet writes, if it is one or is in one.
    pub kubelet_volume: Option<String>,
    /// The `subPath` mounts and files mounted by themselves that it is, is in, or has in it.
    pub sub_paths: Vec<SubPath>,
    /// Whether all of it can be read.
    pub readable: bool,
    /// What cannot be read: the path itself, or the first such file in it.
    pub unreadable: Option<String>,
    /// How many names count.
    pub entries: Option<usize>,
    /// The digest, as the log has it.
    pub digest: Option<String>,
    /// Why there is no digest.
    pub error: Option<String>,
}

/// A mount that is not updated with the directory that it was taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubPath {
    /// Where it is mounted.
    pub mounted_on: String,
    /// Whether it was taken out of a volume of the kubelet's, which never updates it.
    pub of_kubelet: bool,
    /// Whether what is mounted was replaced meanwhile: there is newer content, which cannot be seen here.
    pub outdated: bool,
}

impl PathFacts {
    /// With what is in the path, as it was read.
    pub(super) fn of(
        path: &Path,
        held: Result<&Snapshot, &SnapshotError>,
        volumes: &Volumes,
        settings: &Settings,
        mounts: &[Mount],
    ) -> Self {
        let unreadable = match held {
            Ok(snapshot) => snapshot.notes.unreadable(),
            Err(SnapshotError::Unreadable { path, .. }) => Some(path.as_path()),
            Err(SnapshotError::Missing(_)) => None,
        };
        let held_ok = held.ok();
        Self {
            path: text(path),
            kind: kind(path),
            sub_paths: sub_paths(path, volumes, settings.recursive, mounts),
            kubelet_volume: volumes.all.first().map(|volume| text(volume)),
            readable: held.is_ok() && unreadable.is_none(),
            unreadable: unreadable.map(text),
            entries: held_ok.map(|snapshot| snapshot.entries.len()),
            digest: held_ok.map(|snapshot| snapshot.digest.to_string()),
            error: held.err().map(ToString::to_string),
        }
    }

    /// What is wrong with it.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(self.not_read());
        problems.extend(self.empty());
        problems.extend(self.sub_paths.iter().map(|sub_path| self.sub_path(sub_path)));
        problems
    }

    fn not_read(&self) -> Option<Problem> {
        match (&self.error, &self.unreadable) {
            (Some(error), None) => Some(Problem::told(Code::PathMissing, &self.path, error)),
            (Some(error), Some(_)) => Some(Problem::told(Code::PathUnreadable, &self.path, error)),
            (None, Some(file)) => Some(Problem::wrong(
                Code::PathUnreadable,
                &self.path,
                format!("cannot read {file}: it counts as changed when its inode, size or time changes"),
                "let the sidecar read it: the application's user (runAsUser), or a defaultMode or fsGroup that \
                 allows it",
            )),
            (None, None) => None,
        }
    }

    fn empty(&self) -> Option<Problem> {
        if self.kind != Kind::Directory || self.entries != Some(0) {
            return None;
        }
        let path = &self.path;
        Some(if self.kubelet_volume.is_some() {
            // An optional ConfigMap may be absent, and its first key is a change that is delivered.
            let what = format!("{path} is a volume without keys");
            let mend = "fill the ConfigMap or Secret, or correct its `items` or IGNORE";
            Problem::wrong(Code::PathEmpty, path, what, mend).warning()
        } else {
            let what = format!("{path} is empty: no ConfigMap or Secret is mounted there");
            let mend = "mount the volume there in the sidecar too, or correct CONFIG_DIR or IGNORE";
            Problem::wrong(Code::PathEmpty, path, what, mend)
        })
    }

    fn sub_path(&self, sub_path: &SubPath) -> Problem {
        let on = &sub_path.mounted_on;
        let outdated = if sub_path.outdated { ", and it is outdated already" } else { "" };
        if !sub_path.of_kubelet {
            let what = format!(
                "{on} is a single file that is mounted: once the original is replaced, it never changes{outdated}"
            );
            let fix = "mount the directory that holds the file";
            let problem = Problem::wrong(Code::SingleFile, &self.path, what, fix);
            return if sub_path.outdated { problem } else { problem.warning() };
        }
        let what = format!("{on} is a subPath mount, which the kubelet never updates{outdated}");
        Problem::wrong(
            Code::SubPath,
            &self.path,
            what,
            "mount the whole volume (no subPath) in the sidecar and in the application, each in a directory of \
             its own, and restart the pod",
        )
    }
}

/// The mounts that are in the way of updates.
fn sub_paths(path: &Path, volumes: &Volumes, recursive: bool, mounts: &[Mount]) -> Vec<SubPath> {
    let (Root::Directory(real) | Root::File(real)) = Way::of(path).0 else { return Vec::new() };
    let deep = recursive || !volumes.all.is_empty();
    let is_file = |mount: &Mount| fs::metadata(&mount.point).is_ok_and(|point| point.is_file());
    let mounts = mounts::concerning(mounts, &real, deep).into_iter();
    let mounts = mounts.filter(|mount| mount.is_sub_path() || mount.is_deleted() || is_file(mount));
    let sub_path = |mount: &Mount| SubPath {
        of_kubelet: mount.is_sub_path() || !is_file(mount),
        mounted_on: text(&mount.point),
        outdated: mount.is_deleted() || is_unlinked(&mount.point).unwrap_or(false),
    };
    mounts.map(sub_path).collect()
}

fn is_unlinked(path: &PathBuf) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(path)?.nlink() == 0)
}

fn kind(path: &Path) -> Kind {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Kind::Directory,
        Ok(metadata) if metadata.is_file() => Kind::File,
        Ok(_) => Kind::Special,
        Err(_) => Kind::Missing,
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
pub(super) mod tests;
