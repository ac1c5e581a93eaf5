//! A world: what is watched, how, and what the writers do to it. A plain value, so that a failure can be
//! printed, made smaller and kept.

use std::fmt::Write;

/// The version of a content. Few of them, so that content often returns to what it was.
pub(crate) type Version = u8;

/// A name below a watched path.
pub(crate) type Name = &'static str;

/// Milliseconds.
pub(crate) type Millis = u64;

/// What the sidecar is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(crate) struct Settings {
    pub(crate) quiet: Millis,
    pub(crate) max_wait: Millis,
    /// 0 turns it off.
    pub(crate) resync: Millis,
    pub(crate) recursive: bool,
    /// Whether `IGNORE` has [`IGNORED`].
    pub(crate) ignore: bool,
    /// Whether the sidecar and the target are a user other than root.
    pub(crate) user: bool,
    /// Whether the files of volumes are for the user's group only (`fsGroup`, `defaultMode` 0440).
    pub(crate) fs_group: bool,
    /// Whether the kubelet makes links before it swaps, as old ones do.
    pub(crate) links_first: bool,
    /// Whether a mount namespace is needed.
    pub(crate) mounts: bool,
}

/// The `IGNORE` of worlds that have one.
pub(crate) const IGNORED: &str = "*.bak,token";

/// A watched path. A number is the index of another path of the world that this one overlaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A directory.
    Plain,
    /// A directory with the subdirectory `sub`, and the link `site` to a directory outside of it.
    Tree,
    /// A volume that the kubelet writes, with a real directory `run` in it.
    Volume,
    /// One file, `a.conf`, in a directory that is not watched.
    File,
    /// A link to a directory.
    LinkDir,
    /// A link to a checkout, which git-sync replaces by the next.
    GitSync,
    /// `sub` of a tree, or `conf.d` of a volume.
    Below(usize),
    /// The directory that the other path lies in.
    Above(usize),
    /// The other path once more, through a link above it.
    Alias(usize),
    /// A directory of links to `a.conf` and `b.conf` of the other path (`sites-enabled`).
    Enabled(usize),
    /// `a.conf` of the other path, watched by itself.
    One(usize),
}

impl Kind {
    /// The path that this one overlaps.
    pub(crate) fn base(self) -> Option<usize> {
        match self {
            Self::Below(base)
            | Self::Above(base)
            | Self::Alias(base)
            | Self::Enabled(base)
            | Self::One(base) => Some(base),
            _ => None,
        }
    }

    /// The same with another number for the path that it overlaps.
    pub(crate) fn based_on(self, base: usize) -> Self {
        match self {
            Self::Below(_) => Self::Below(base),
            Self::Above(_) => Self::Above(base),
            Self::Alias(_) => Self::Alias(base),
            Self::Enabled(_) => Self::Enabled(base),
            Self::One(_) => Self::One(base),
            other => other,
        }
    }
}

/// What a writer, or a reader, does in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Writes a file elsewhere and renames it into place.
    Rename(Name, Version),
    /// The same with a temporary file in the directory itself.
    RenameBeside(Name, Version),
    /// Rewrites the file itself at once.
    InPlace(Name, Version),
    /// Opens a file for writing, with truncation or without; it stays open.
    Open(Name, bool),
    /// Writes a piece to the file that is open.
    Piece(Name, Version),
    /// Closes it. Whatever is still open at the end of a burst is closed then.
    Close(Name),
    /// Writes the bytes again that the file has.
    Same(Name),
    Remove(Name),
    Touch(Name),
    /// Changes the mode for so long; a user other than root cannot read the file then.
    Blink(Name, Millis),
    /// Takes the right to list the directory away for so long, and writes `a.conf` meanwhile.
    Blind(Version, Millis),
    /// Opens and reads everything.
    Read,
    /// Removes the directory.
    Vanish,
    /// Makes it again where it is missing.
    Return(Version),
    /// Moves the directory away and another one into its place.
    Replace(Version),
    /// Removes the subdirectory `sub`.
    VanishSub,
    /// Makes it again where it is missing.
    ReturnSub(Version),
    /// Leads the path's link, in a tree the link `site`, to a new directory.
    Redirect(Version),
    /// One sync of the kubelet: the keys of the set, all of this version.
    Publish(Keys, Version),
    /// The same with a pause after the step of this number.
    SlowPublish(Keys, Version, usize, Millis),
    /// The group is set so long after the swap, as by kubelets before 1.27; needs `fs_group`.
    LateGroup(Keys, Version, Millis),
    /// A sync that changes nothing.
    Sync,
    /// Mounts a directory over the path, or a file over one that is watched itself.
    MountOver(Version),
    /// Mounts one on a subdirectory, `sub` or `run`.
    MountBelow(Version),
    /// Removes the last mount.
    Unmount,
}

impl Act {
    /// The file that it writes, if it is one.
    pub(crate) fn name(self) -> Option<Name> {
        match self {
            Self::Rename(name, _)
            | Self::RenameBeside(name, _)
            | Self::InPlace(name, _)
            | Self::Open(name, _)
            | Self::Piece(name, _)
            | Self::Close(name)
            | Self::Same(name)
            | Self::Remove(name)
            | Self::Touch(name) => Some(name),
            _ => None,
        }
    }
}

/// How many variants [`Act`] and [`Kind`] have.
pub(crate) const ACTS: usize = 25;
pub(crate) const KINDS: usize = 11;

/// A set of [`KEYS`], one bit each.
pub(crate) type Keys = u8;

/// The keys that a volume may have.
pub(crate) const KEYS: [Name; 5] = ["a.conf", "b.conf", "c.conf", "conf.d/a.conf", "conf.d/d.conf"];

/// An act on a watched path, after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) gap: Millis,
    pub(crate) path: usize,
    pub(crate) act: Act,
}

/// Steps in a row; what they lead to is delivered before the next burst begins.
pub(crate) type Burst = Vec<Step>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) paths: Vec<Kind>,
    pub(crate) bursts: Vec<Burst>,
}

impl World {
    /// Rust code for `kept.rs`.
    pub(crate) fn literal(&self) -> String {
        let mut code = format!("World {{\n    settings: {:?},\n", self.settings);
        let _ = writeln!(code, "    paths: vec!{:?},\n    bursts: vec![", self.paths);
        for burst in &self.bursts {
            let steps: Vec<String> = burst.iter().map(|step| format!("            {step:?},\n")).collect();
            let _ = writeln!(code, "        vec![\n{}        ],", steps.concat());
        }
        code + "    ],\n}"
    }
}

/// What a file of this version has in it: two lines, so that half of it is not whole.
pub(crate) fn text(name: &str, version: Version) -> String {
    format!("{name} {version} begins\n{name} {version} ends\n")
}
