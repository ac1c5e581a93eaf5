//! The README of the examples is true.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::examples::assert_none;
use crate::render::{EXAMPLES, FIXTURES, Rendered, examples};
use crate::{levels, program, readme, rules, schemas};

pub(super) fn names_examples() {
    let mut named = readme::first_cells(&readme::text(), "| directory |");
    named.sort();
    assert_eq!(named, examples());
}

pub(super) fn names_versions() {
    let versions = format!("Kubernetes 1.{} to 1.{}", schemas::ALL.start(), schemas::ALL.end());
    assert!(readme::text().contains(&versions), "{versions}");
    let native = format!("| 1.{} and newer |\n", schemas::NATIVE);
    assert!(readme::text().contains(&native), "{native}");
}

pub(super) fn levels() {
    let text = readme::text();
    for example in examples() {
        let mut rows = text.lines().filter(|line| line.starts_with(&format!("| `{example}` |")));
        let said = rows.any(|row| row.contains(r#"level "restricted""#));
        let is = levels::is_restricted(&Rendered::example(&example).workload());
        assert_eq!(is, said, "{example}");
    }
}

pub(super) fn commands_run() {
    let rendered: Vec<Rendered> = examples().iter().map(|name| Rendered::example(name)).collect();
    let blocks = readme::blocks(&readme::text(), "sh");
    let lines: Vec<&str> = blocks.iter().flat_map(|block| block.lines()).collect();
    assert!(lines.len() > 5, "{lines:?}");
    for line in lines {
        readme::run(line, &rendered);
    }
}

/// The files that it shows, beside an application that is as it says.
pub(super) fn files_work() {
    let directory = tempfile::tempdir().unwrap();
    let shown = write_shown(&directory);
    assert_eq!(shown, ["mine/kustomization.yaml", "mine/config-reloader.yaml"]);
    let application = Path::new(FIXTURES).join("mine/app.yaml");
    fs::copy(application, directory.path().join("mine/app.yaml")).unwrap();
    let components = fs::canonicalize(EXAMPLES).unwrap().join("components");
    std::os::unix::fs::symlink(components, directory.path().join("components")).unwrap();

    let rendered = Rendered::of(&directory.path().join("mine"));
    let workload = rendered.workload();
    assert_eq!(workload.sidecar()["image"], "registry.example/config-reloader-sidecar:0.1.0");
    // Its own image, as it says, and nothing else.
    assert_eq!(rules::broken(&workload), ["the image is not that of this version"]);
    assert_none(&schemas::rejections(&rendered, schemas::ALL));
    assert_none(&program::complaints(&workload.settings()));
}

/// Writes each block that begins with the name of a file there, and gives the names.
fn write_shown(directory: &TempDir) -> Vec<String> {
    fs::create_dir(directory.path().join("mine")).unwrap();
    let blocks = readme::blocks(&readme::text(), "yaml");
    let named = blocks.iter().filter_map(|block| {
        let name = block.lines().next()?.strip_prefix("# ")?;
        fs::write(directory.path().join(name), block).unwrap();
        Some(name.to_owned())
    });
    named.collect()
}

pub(super) fn names_settings() {
    // Capabilities have such names, too.
    const NO_SETTINGS: [&str; 2] = ["NET_BIND_SERVICE", "SYS_PTRACE"];
    let quoted = readme::quoted(&readme::text());
    let names = quoted.iter().map(|code| code.split('=').next().unwrap());
    let is_name =
        |name: &&str| name.contains('_') && name.chars().all(|c| c == '_' || c.is_ascii_uppercase());
    let settings: Vec<&str> = names.filter(is_name).filter(|name| !NO_SETTINGS.contains(name)).collect();
    assert!(settings.len() > 10, "{settings:?}");
    for setting in settings {
        assert!(program::knows(setting), "{setting} is no setting");
    }
}
