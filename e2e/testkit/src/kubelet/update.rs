//! One write: what is to do, and each step of it.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use super::{Order, Payload, Renamed, Step, Volume, timestamp};
use crate::clock;

const DATA: &str = "..data";
const DATA_NEW: &str = "..data_tmp";

/// What the kubelet adds to the modes of a read-only volume with `fsGroup`.
const GROUP_READS: u32 = 0o440;
const GROUP_ENTERS: u32 = 0o2110;

/// A payload on its way into a volume.
pub(super) struct Update<'a> {
    volume: &'a Volume,
    payload: &'a Payload,
    /// The directory that `..data` leads to before the write.
    old: Option<PathBuf>,
    /// Paths below `old` that the payload does not have.
    dropped: BTreeSet<String>,
    /// The timestamped directory that this write makes.
    new: PathBuf,
    renamed: Option<Renamed>,
}

impl<'a> Update<'a> {
    /// Looks at what the volume holds; changes nothing.
    pub(super) fn plan(volume: &'a Volume, payload: &'a Payload) -> io::Result<Update<'a>> {
        let old = match fs::read_link(volume.dir.join(DATA)) {
            Ok(target) => Some(volume.dir.join(target)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let dropped = match &old {
            Some(old) => dropped(old, payload)?,
            None => BTreeSet::new(),
        };
        let new = volume.dir.join(timestamp::new_name());
        Ok(Update { volume, payload, old, dropped, new, renamed: None })
    }

    /// Does the volume hold anything else than the payload?
    pub(super) fn is_needed(&self) -> io::Result<bool> {
        let Some(old) = &self.old else { return Ok(true) };
        for (key, content) in self.payload {
            match fs::read(old.join(key)) {
                Ok(present) if present == *content => {}
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(!self.dropped.is_empty())
    }

    /// The rest of a sync that has nothing to write: newer kubelets mend the visible links, older
    /// ones set the ownership again.
    pub(super) fn sync_unchanged(&self) -> io::Result<()> {
        match self.volume.order {
            Order::LinksAfterSwap => self.make_links(),
            Order::LinksBeforeSwap => self.set_ownership(),
        }
    }

    pub(super) fn take(&mut self, step: Step) -> io::Result<()> {
        match step {
            Step::PayloadWritten => self.write_payload(),
            Step::Swapped => self.swap(),
            Step::LinksMade => self.make_links(),
            Step::LinksRemoved => self.remove_links(),
            Step::OldRemoved => self.remove_old(),
        }
    }

    pub(super) fn renamed(&self) -> Option<Renamed> {
        self.renamed
    }

    fn write_payload(&self) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(&self.new)?;
        fs::set_permissions(&self.new, Permissions::from_mode(0o755))?;
        for (key, content) in self.payload {
            let path = self.new.join(key);
            if key.contains('/') {
                fs::create_dir_all(path.parent().unwrap_or(&self.new))?;
            }
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(self.volume.mode);
            options.open(&path)?.write_all(content)?;
            // The umask must not matter.
            fs::set_permissions(&path, Permissions::from_mode(self.volume.mode))?;
        }
        self.set_ownership()
    }

    fn set_ownership(&self) -> io::Result<()> {
        match self.volume.fs_group {
            Some(gid) => set_ownership(&self.volume.dir, gid),
            None => Ok(()),
        }
    }

    fn swap(&mut self) -> io::Result<()> {
        let (link_new, link) = (self.volume.dir.join(DATA_NEW), self.volume.dir.join(DATA));
        symlink(self.new.file_name().unwrap_or_default(), &link_new)?;
        let before = clock::now();
        fs::rename(link_new, link)?;
        self.renamed = Some(Renamed { before, after: clock::now() });
        Ok(())
    }

    fn make_links(&self) -> io::Result<()> {
        let names: BTreeSet<&str> = self.payload.keys().map(|key| top_level(key)).collect();
        for name in names {
            let visible = self.volume.dir.join(name);
            match fs::read_link(&visible) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    symlink(Path::new(DATA).join(name), visible)?;
                }
                // Whatever else has the name is left alone, as the kubelet does.
                _ => {}
            }
        }
        Ok(())
    }

    fn remove_links(&self) -> io::Result<()> {
        // Only the top level has visible links.
        for name in self.dropped.iter().filter(|path| !path.contains('/')) {
            fs::remove_file(self.volume.dir.join(name))?;
        }
        Ok(())
    }

    fn remove_old(&self) -> io::Result<()> {
        match &self.old {
            Some(old) => fs::remove_dir_all(old),
            None => Ok(()),
        }
    }
}

/// Refuses the paths that the kubelet refuses.
pub(super) fn check_paths(payload: &Payload) -> io::Result<()> {
    for key in payload.keys() {
        let bad_part = |part: &str| part.is_empty() || part == "." || part == "..";
        if key.split('/').any(bad_part) || key.starts_with("..") {
            let message = format!("not a path inside a volume: {key:?}");
            return Err(io::Error::new(ErrorKind::InvalidInput, message));
        }
    }
    Ok(())
}

fn top_level(key: &str) -> &str {
    key.split_once('/').map_or(key, |(first, _)| first)
}

/// The files and directories below `old` that no key of `payload` needs.
fn dropped(old: &Path, payload: &Payload) -> io::Result<BTreeSet<String>> {
    let mut paths = BTreeSet::new();
    match collect_paths(old, "", &mut paths) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        result => result?,
    }
    let is_needed = |path: &String| {
        let below = |key: &String| key.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        payload.contains_key(path) || payload.keys().any(below)
    };
    paths.retain(|path| !is_needed(path));
    Ok(paths)
}

fn collect_paths(dir: &Path, prefix: &str, paths: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect_paths(&entry.path(), &format!("{path}/"), paths)?;
        }
        paths.insert(path);
    }
    Ok(())
}

/// Gives everything below `path`, and then `path`, to the group.
fn set_ownership(path: &Path, gid: u32) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_dir() {
        let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            set_ownership(&entry.path(), gid)?;
        }
    }
    lchown(path, None, Some(gid))?;
    if metadata.is_symlink() {
        return Ok(()); // a chmod would reach what the link leads to
    }
    let added = if metadata.is_dir() { GROUP_READS | GROUP_ENTERS } else { GROUP_READS };
    fs::set_permissions(path, Permissions::from_mode(metadata.permissions().mode() | added))
}
