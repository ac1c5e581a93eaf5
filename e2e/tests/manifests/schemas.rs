//! The API schemas of Kubernetes, by kubernetes-validate; a field that a version does not know is an error.

use std::fs;
use std::ops::RangeInclusive;

use crate::render::Rendered;
use crate::tools;

/// Every version of 1.x that kubernetes-validate 1.37 has schemas of.
pub(crate) const ALL: RangeInclusive<u32> = 25..=37;
/// The first in which a native sidecar needs no feature gate.
pub(crate) const NATIVE: u32 = 29;

/// One line for each document and version that do not go together.
pub(crate) fn rejections(rendered: &Rendered, versions: RangeInclusive<u32>) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rendered.yaml");
    fs::write(&file, &rendered.yaml).unwrap();
    let mut command = tools::kubernetes_validate();
    command.arg("--strict").args(versions.clone().flat_map(|minor| ["-k".to_owned(), format!("1.{minor}")]));
    let output = command.arg(&file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (passed, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("INFO "));
    // A kind without a schema is only warned about, hence the count.
    let expected = rendered.documents.len() * versions.count();
    assert_eq!(passed.len() + rest.len(), expected, "{text}{}", String::from_utf8_lossy(&output.stderr));
    rest.into_iter().map(str::to_owned).collect()
}

/// Those that the workload of the rendered documents can run on.
pub(crate) fn of(rendered: &Rendered) -> RangeInclusive<u32> {
    let native = rendered.workloads().iter().any(crate::workload::Workload::is_native);
    if native { NATIVE..=*ALL.end() } else { ALL }
}
