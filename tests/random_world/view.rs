//! What there is at the watched paths, as far as it counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Files;
use crate::world::Settings;

/// What one watched path holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// A missing path is no change until it returns (contract, section 3).
    Missing,
    /// A file that is watched itself.
    File(String),
    /// Relative name → what it is.
    Directory(BTreeMap<String, Entry>),
}

/// What a name below a watched directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    File(String),
    /// A directory, and whether what is in it counts.
    Directory {
        entered: bool,
    },
    /// A link to a directory that is not entered counts by its destination.
    Link(PathBuf),
    /// So does one that leads nowhere.
    Dangling(PathBuf),
}

/// What all watched paths hold, in their order.
pub(crate) type Views = Vec<View>;

/// Looks at the paths.
pub(crate) fn look(paths: &[&Path], settings: &Settings) -> Views {
    paths.iter().map(|path| look_at(path, settings)).collect()
}

fn look_at(path: &Path, settings: &Settings) -> View {
    if path.is_dir() {
        let mut entries = BTreeMap::new();
        Look { settings, volume: path.join("..data").is_dir() }.enter(path, "", 8, &mut entries);
        return View::Directory(entries);
    }
    fs::read_to_string(path).map_or(View::Missing, View::File)
}

/// Does this name count?
fn counts(name: &str, settings: &Settings) -> bool {
    let is_ignored = |part: &str| settings.ignore && (part.strip_suffix(".bak").is_some() || part == "token");
    !name.split('/').any(|part| part.starts_with("..") || is_ignored(part))
}

struct Look<'a> {
    settings: &'a Settings,
    /// Whether the kubelet writes the directory.
    volume: bool,
}

impl Look<'_> {
    fn enter(&self, dir: &Path, prefix: &str, depth: u32, entries: &mut BTreeMap<String, Entry>) {
        let Ok(listing) = fs::read_dir(dir) else { return };
        for entry in listing.flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if !counts(&name, self.settings) {
                continue;
            }
            let path = entry.path();
            let link = fs::read_link(&path).ok();
            let found = match (fs::metadata(&path), link) {
                (Ok(metadata), link) if metadata.is_dir() => {
                    // What a key with a path leads to belongs to the volume, whatever RECURSIVE says.
                    let payload = self.volume && link.as_ref().is_some_and(|link| link.starts_with("..data"));
                    if (self.settings.recursive || payload) && depth > 0 {
                        self.descend(&path, &name, depth, entries)
                    } else {
                        link.map_or(Entry::Directory { entered: false }, Entry::Link)
                    }
                }
                (Ok(_), _) => Entry::File(fs::read_to_string(&path).unwrap_or_default()),
                (Err(_), Some(link)) => Entry::Dangling(link),
                // It went away meanwhile.
                (Err(_), None) => continue,
            };
            entries.insert(name, found);
        }
    }

    fn descend(&self, dir: &Path, name: &str, depth: u32, entries: &mut BTreeMap<String, Entry>) -> Entry {
        self.enter(dir, &format!("{name}/"), depth - 1, entries);
        Entry::Directory { entered: true }
    }
}

/// Did the target read this? What it could not look at is left out, and so is a path that is missing.
pub(crate) fn is_what_was_read(views: &[View], paths: &[PathBuf], read: &Files, settings: &Settings) -> bool {
    views.iter().zip(paths).all(|(view, path)| {
        let prefix = if paths.len() > 1 { format!("{}/", path.display()) } else { String::new() };
        match view {
            View::Missing => true,
            View::File(text) => {
                let base = path.file_name().unwrap_or_default().to_string_lossy();
                let name = if paths.len() > 1 { path.to_string_lossy() } else { base };
                read.get(&*name).is_some_and(|found| found == text || is_excused(found, settings))
            }
            View::Directory(entries) => {
                let below = read.iter().filter_map(|(name, text)| Some((name.strip_prefix(&prefix)?, text)));
                is_directory(entries, &below.collect(), settings)
            }
        }
    })
}

fn is_directory(
    entries: &BTreeMap<String, Entry>,
    read: &BTreeMap<&str, &String>,
    settings: &Settings,
) -> bool {
    if read.get(".").is_some_and(|text| is_excused(text, settings)) {
        return true;
    }
    let written = entries.iter().all(|(name, entry)| {
        let found = read.get(name.as_str());
        match entry {
            Entry::File(text) => found.is_some_and(|found| *found == text || is_excused(found, settings)),
            Entry::Dangling(_) => found.is_some_and(|found| found.starts_with("error: ")),
            Entry::Directory { .. } | Entry::Link(_) => true,
        }
    });
    let is_entered = |name: &str| match name.rsplit_once('/') {
        Some((above, _)) => matches!(entries.get(above), Some(Entry::Directory { entered: true })),
        None => true,
    };
    // A watched path that is missing below another one is read under its own name.
    let is_missing = |text: &str| text.starts_with("error: No such file");
    let known = |(name, text): (&&str, &&String)| {
        entries.contains_key(*name) || !counts(name, settings) || !is_entered(name) || is_missing(text)
    };
    written && read.iter().all(known)
}

/// Whether somebody hid the file for a moment, which nobody does to a file of a volume.
fn is_excused(text: &str, settings: &Settings) -> bool {
    !settings.fs_group && text.starts_with("error: Permission denied")
}
