//! Scope: which names below a watched path count. Events and walks ask the same question here.

use std::ffi::OsStr;
use std::path::Path;

use crate::kubelet::is_plumbing;
use crate::settings::{IgnoreGlobs, Settings};

/// What of a watched path counts.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Names that never count.
    pub ignore: &'a IgnoreGlobs,
    /// Whether subdirectories count with what they hold.
    pub recursive: bool,
}

impl<'a> Scope<'a> {
    /// As the settings say.
    pub fn of(settings: &'a Settings) -> Self {
        Self { ignore: &settings.ignore, recursive: settings.recursive }
    }

    /// Whether this name counts, in a directory whose path relative to the watched path counts.
    pub fn counts(&self, directory: &Path, name: &OsStr) -> bool {
        !is_plumbing(name) && (self.ignore.is_empty() || !self.ignore.matches(&directory.join(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelets_names_and_ignored_names_do_not_count() {
        let ignore = IgnoreGlobs::new(&["*.bak".to_owned(), "cache/x".to_owned()]).unwrap();
        let scope = Scope { ignore: &ignore, recursive: true };
        let table = [
            ("", "key", true),
            ("", ".hidden", true),
            ("conf.d", "key", true),
            ("", "..data", false),
            ("", "..2026_11_22_10_00_00.1", false),
            ("conf.d", "..data", false),
            ("", "key.bak", false),
            ("conf.d", "key.bak", false),
            ("", "old.bak", false),
            ("cache", "x", false),
            ("cache", "y", true),
        ];
        for (directory, name, counts) in table {
            assert_eq!(scope.counts(Path::new(directory), OsStr::new(name)), counts, "{directory}/{name}");
        }
    }
}
