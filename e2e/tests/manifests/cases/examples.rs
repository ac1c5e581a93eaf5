//! What holds for every example, whatever it is called.

use serde_json::Value;

use super::Case;
use crate::render::Rendered;
use crate::workload::{Workload, list};
use crate::{program, rules, schemas};

/// A name, and what must hold of the documents of an example.
type Check = (&'static str, fn(&Rendered));

pub(super) fn cases(example: &str) -> Vec<Case> {
    let checks: [Check; 4] = [
        ("every_kubernetes_that_it_is_for_knows_its_fields", valid),
        ("the_sidecar_can_work_in_its_pod", works),
        ("the_program_takes_its_settings", settings),
        ("what_it_watches_can_change", can_change),
    ];
    let case = |(name, check): Check| {
        let directory = example.to_owned();
        let run = move || check(&Rendered::example(&directory));
        (format!("{example}::{name}"), Box::new(run) as Box<_>)
    };
    checks.into_iter().map(case).collect()
}

fn valid(rendered: &Rendered) {
    assert_none(&schemas::rejections(rendered, schemas::of(rendered)));
}

fn works(rendered: &Rendered) {
    assert_none(&rules::broken(&rendered.workload()));
}

fn settings(rendered: &Rendered) {
    assert_none(&program::complaints(&rendered.workload().settings()));
}

fn can_change(rendered: &Rendered) {
    let workload = rendered.workload();
    let mounted = list(&workload.sidecar()["volumeMounts"]);
    let volumes: Vec<_> = mounted.map(|mount| mount["name"].as_str().unwrap()).collect();
    assert!(!volumes.is_empty());
    for volume in volumes {
        assert!(source(rendered, &workload, volume).is_some(), "nothing that can change: {volume}");
    }
}

/// Whether kustomize has put a hash of the contents into the name: then a change is another ConfigMap.
fn is_hashed(name: &str) -> bool {
    // What kustomize makes of hexadecimal digits, so that no words come out.
    let is_of_hash = |c| "bcdfghkmt2456789".contains(c);
    name.rsplit('-').next().is_some_and(|end| end.len() == 10 && end.chars().all(is_of_hash))
}

/// The ConfigMap or Secret of a volume, which is among the documents under its plain name and can be changed.
pub(super) fn source<'a>(rendered: &'a Rendered, workload: &Workload, volume: &str) -> Option<&'a Value> {
    let volume = workload.volume(volume)?;
    let (kind, name) = match volume.get("configMap") {
        Some(source) => ("ConfigMap", &source["name"]),
        None => ("Secret", &volume["secret"]["secretName"]),
    };
    let name = name.as_str().filter(|name| !is_hashed(name))?;
    rendered.find(kind, name).filter(|source| source["immutable"] != true)
}

#[track_caller]
pub(super) fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
