//! Rendering: from a directory with a `kustomization.yaml` to the documents that `kubectl apply -k` sends.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::tools;
use crate::workload::Workload;

/// What is shipped.
pub(crate) const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/kubernetes");
/// What these tests hold against it, some of it broken on purpose.
pub(crate) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifests/fixtures");

/// The documents of one directory.
pub(crate) struct Rendered {
    pub(crate) yaml: String,
    pub(crate) documents: Vec<Value>,
}

impl Rendered {
    /// What `kubectl kustomize` makes of the directory.
    #[track_caller]
    pub(crate) fn of(directory: &Path) -> Self {
        let output = tools::kubectl().arg("kustomize").arg(directory).output().unwrap();
        let yaml = tools::stdout(&output);
        let documents = tools::parse_yaml(&yaml);
        Self { yaml, documents }
    }

    pub(crate) fn example(name: &str) -> Self {
        Self::of(&Path::new(EXAMPLES).join(name))
    }

    pub(crate) fn fixture(name: &str) -> Self {
        Self::of(&Path::new(FIXTURES).join(name))
    }

    /// The workloads that have the sidecar.
    pub(crate) fn workloads(&self) -> Vec<Workload> {
        self.documents.iter().filter_map(Workload::with_sidecar).collect()
    }

    /// The only workload that has the sidecar.
    #[track_caller]
    pub(crate) fn workload(&self) -> Workload {
        let mut workloads = self.workloads();
        assert_eq!(workloads.len(), 1, "workloads with the sidecar in {}", self.yaml);
        workloads.remove(0)
    }

    /// The document of this kind and name.
    pub(crate) fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        let sought = |document: &&Value| document["kind"] == kind && document["metadata"]["name"] == name;
        self.documents.iter().find(sought)
    }
}

/// The directories in `examples/kubernetes` that can be applied, by name; components cannot.
pub(crate) fn examples() -> Vec<String> {
    let is_example = |path: &PathBuf| {
        let text = fs::read_to_string(path.join("kustomization.yaml")).unwrap_or_default();
        text.contains("kind: Kustomization")
    };
    let mut names: Vec<String> = directories(Path::new(EXAMPLES))
        .into_iter()
        .filter(is_example)
        .map(|path| path.strip_prefix(EXAMPLES).unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn directories(below: &Path) -> Vec<PathBuf> {
    let entries = below.read_dir().unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).flat_map(|path| [directories(&path), vec![path]].concat()).collect()
}
