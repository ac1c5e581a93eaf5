//! Programs of the system: where they are, and which version.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian puts the programs of its PostgreSQL, one directory a version.
const POSTGRES_DIR: &str = "/usr/lib/postgresql";

/// The program of this name. The directories for administrators count, as a user's `PATH` often lacks them.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    // First, since what is called `psql` elsewhere is a script that chooses one of these.
    postgres_dirs().into_iter().chain(usual).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// The newest first.
fn postgres_dirs() -> Vec<PathBuf> {
    let versions = fs::read_dir(POSTGRES_DIR).into_iter().flatten().flatten();
    let number = |dir: PathBuf| Some((dir.file_name()?.to_str()?.parse::<u32>().ok()?, dir.join("bin")));
    let mut dirs: Vec<_> = versions.filter_map(|version| number(version.path())).collect();
    dirs.sort_by(|one, other| other.cmp(one));
    dirs.into_iter().map(|(_, dir)| dir).collect()
}

/// The first of them that is not installed.
pub(crate) fn missing<'a>(names: &[&'a str]) -> Option<&'a str> {
    names.iter().copied().find(|name| find(name).is_none())
}

/// What it says of its version when asked with `flag`: the first word that is a number with dots.
#[track_caller]
pub(crate) fn version(program: &Path, flag: &str) -> String {
    let output = Command::new(program).arg(flag).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let is_version =
        |word: &&str| word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit());
    words
        .find(is_version)
        .unwrap_or_else(|| panic!("no version in {text:?}"))
        .trim_end_matches('.')
        .to_owned()
}
