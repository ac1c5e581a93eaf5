//! The README is true: what it names is there.

#![allow(clippy::unwrap_used, reason = "a test may end where it finds something missing")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cells of all table rows below this heading.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    let lines = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("|---"));
    lines.skip(1).map(cells).collect()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let nested = entries.map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    nested.flatten().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn text(path: PathBuf) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn every_row_of_the_fault_table_has_a_test_of_its_name() {
    let texts: Vec<String> =
        ["tests", "src"].iter().flat_map(|directory| sources(&root().join(directory))).map(text).collect();
    let rows = rows("When things fail");
    assert!(rows.len() > 20, "{rows:?}");
    for row in rows {
        let name = row[3].trim_matches('`');
        // The kept worlds are rows of a table.
        let forms = [format!("fn {name}("), format!(" {name}: world("), format!(" {name}: World {{")];
        let is_there = |text: &String| forms.iter().any(|form| text.contains(form));
        assert!(texts.iter().any(is_there), "no test is named {name}");
    }
}

#[test]
fn the_settings_table_is_that_of_the_help() {
    let help =
        assert_cmd::Command::cargo_bin("config-reloader-sidecar").unwrap().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let in_help: Vec<&str> =
        help.split("[env: ").skip(1).filter_map(|rest| rest.split([']', '=']).next()).collect();
    let mut in_readme: Vec<String> =
        rows("Settings").iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let mut expected: Vec<String> = in_help.iter().map(ToString::to_string).collect();
    in_readme.sort();
    expected.sort();
    assert_eq!(in_readme, expected);
    for row in rows("Settings") {
        let default = row[1].trim_matches('`');
        let name = row[0].trim_matches('`');
        let rest = help.split(&format!("[env: {name}]")).nth(1).unwrap();
        let said = rest.split("\n\n").next().unwrap();
        let expected = format!("[default: {default}]");
        let none = default == "–" || default.starts_with("mandatory");
        assert_eq!(said.contains("[default: "), !none, "{name}: {said}");
        assert!(none || said.contains(&expected), "{name}: {said}");
    }
}
