//! The README of the examples: its blocks, commands and tables.

use std::fs;
use std::path::Path;

use crate::render::{EXAMPLES, Rendered};
use crate::workload::{SIDECAR, Workload};

pub(crate) fn text() -> String {
    fs::read_to_string(Path::new(EXAMPLES).join("README.md")).unwrap()
}

/// The contents of its fenced blocks of this language.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<String> {
    let opening = format!("\n```{language}\n");
    let after = text.split(&opening).skip(1);
    after.map(|rest| rest.split("\n```").next().unwrap().to_owned() + "\n").collect()
}

/// What stands between backticks, outside of fenced blocks.
pub(crate) fn quoted(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The first cells of the rows of the table whose header begins like this.
pub(crate) fn first_cells(text: &str, header: &str) -> Vec<String> {
    let table = text.split(header).nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| row.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect()
}

/// Carries out what needs no cluster of this command; of the rest, what it names must be there. `examples`
/// are all that can be applied.
pub(crate) fn run(line: &str, examples: &[Rendered]) {
    let command = line.split(" #").next().unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["kubectl", "kustomize", directory] | ["kubectl", "apply" | "delete", "-k", directory] => {
            assert!(!Rendered::example(directory).documents.is_empty(), "{line}");
        }
        ["kubectl", "rollout", "status", resource]
        | ["kubectl", "logs", resource, "-c", SIDECAR]
        | ["kubectl", "exec", resource, "-c", SIDECAR, "--", "/config-reloader-sidecar", "check"] => {
            find(resource, examples);
        }
        ["kubectl", "annotate", "pods", "-l", label, "--overwrite", ..] => {
            assert!(is_of_pods(label, examples), "{line}");
        }
        _ => panic!("this test does not know what to do about: {line}"),
    }
}

/// The workload that `KIND/NAME` stands for.
fn find(resource: &str, examples: &[Rendered]) -> Workload {
    let (kind, name) = resource.split_once('/').unwrap();
    let mut workloads = examples.iter().flat_map(Rendered::workloads);
    let found = workloads.find(|workload| workload.kind.eq_ignore_ascii_case(kind) && workload.name == name);
    found.unwrap_or_else(|| panic!("there is no {resource}"))
}

fn is_of_pods(label: &str, examples: &[Rendered]) -> bool {
    let (key, value) = label.split_once('=').unwrap();
    let documents = examples.iter().flat_map(|example| &example.documents);
    let mut labels = documents.filter_map(|document| document.pointer("/spec/template/metadata/labels"));
    labels.any(|labels| labels[key] == value)
}
