//! Globs of names that never count.

use std::path::Path;

use glob::{MatchOptions, Pattern, PatternError};

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Globs of names below a watched directory that never count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreGlobs {
    names: Vec<Pattern>,
    paths: Vec<Pattern>,
}

impl IgnoreGlobs {
    /// One pattern an item. Errors name the position in the pattern.
    pub fn new(items: &[String]) -> Result<Self, PatternError> {
        let mut globs = Self::default();
        for item in items {
            let pattern = Pattern::new(item.trim_start_matches('/'))?;
            let anchored = item.contains('/');
            if anchored { &mut globs.paths } else { &mut globs.names }.push(pattern);
        }
        Ok(globs)
    }

    /// Whether nothing is ignored.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }

    /// Whether a path relative to the watched directory is ignored: a pattern with a slash is
    /// matched against the path and every directory above it, one without against each name in it.
    pub fn matches(&self, relative: &Path) -> bool {
        self.names
            .iter()
            .any(|pattern| relative.iter().any(|name| pattern.matches_with(&name.to_string_lossy(), OPTIONS)))
            || self.paths.iter().any(|pattern| {
                relative.ancestors().any(|path| pattern.matches_with(&path.to_string_lossy(), OPTIONS))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(items: &[&str]) -> IgnoreGlobs {
        IgnoreGlobs::new(&items.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn patterns_match_names_and_paths() {
        let table = [
            ("token", "token", true),
            ("token", "conf.d/token", true),
            ("token", "token2", false),
            ("token", "Token", false),
            ("*.bak", "a.bak", true),
            ("*.bak", "deep/er/a.bak", true),
            ("*.bak", "a.bak.conf", false),
            ("*", ".hidden", true),
            ("conf.d/*.bak", "conf.d/a.bak", true),
            ("conf.d/*.bak", "a.bak", false),
            ("conf.d/*.bak", "conf.d/x/a.bak", false),
            ("/conf.d", "conf.d/a", true),
            ("conf.d", "conf.d/a", true),
            ("**/x", "a/b/x", true),
            ("[ab].conf", "b.conf", true),
            ("[!ab].conf", "b.conf", false),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(globs(&[pattern]).matches(Path::new(path)), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn no_pattern_ignores_nothing() {
        assert!(!IgnoreGlobs::default().matches(Path::new("anything")));
    }
}
