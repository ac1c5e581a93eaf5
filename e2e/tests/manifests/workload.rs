//! A workload that has the sidecar: its pod, and who is who in it.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the components call the sidecar.
pub(crate) const SIDECAR: &str = "config-reloader";

/// A Deployment, StatefulSet, DaemonSet or Job.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The pod's `spec`.
    pub(crate) pod: Value,
}

impl Workload {
    /// The workload of this document, if its pods have the sidecar.
    pub(crate) fn with_sidecar(document: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pod = document.pointer("/spec/template/spec")?.clone();
        let workload = Self { kind: text(&document["kind"]), name: text(&document["metadata"]["name"]), pod };
        (workload.is_native() || workload.is_plain()).then_some(workload)
    }

    /// Whether the sidecar is a native one.
    pub(crate) fn is_native(&self) -> bool {
        list(&self.pod["initContainers"]).any(is_sidecar)
    }

    fn is_plain(&self) -> bool {
        list(&self.pod["containers"]).any(is_sidecar)
    }

    pub(crate) fn sidecar(&self) -> &Value {
        let all = list(&self.pod["initContainers"]).chain(list(&self.pod["containers"]));
        all.into_iter().find(|container| is_sidecar(container)).unwrap()
    }

    /// Every container but the sidecar.
    pub(crate) fn applications(&self) -> impl Iterator<Item = &Value> {
        list(&self.pod["containers"]).filter(|container| !is_sidecar(container))
    }

    /// The sidecar's settings.
    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        let pair = |variable: &Value| {
            let value = variable["value"].as_str().expect("the value of a setting is text");
            (variable["name"].as_str().unwrap().to_owned(), value.to_owned())
        };
        list(&self.sidecar()["env"]).map(pair).collect()
    }

    pub(crate) fn setting(&self, name: &str) -> String {
        self.settings().remove(name).unwrap_or_default()
    }

    /// The user that a container runs as.
    pub(crate) fn user<'a>(&'a self, container: &'a Value) -> &'a Value {
        let own = &container["securityContext"]["runAsUser"];
        if own.is_null() { &self.pod["securityContext"]["runAsUser"] } else { own }
    }

    /// The volume of this name.
    pub(crate) fn volume(&self, name: &str) -> Option<&Value> {
        list(&self.pod["volumes"]).find(|volume| volume["name"] == name)
    }
}

/// The items of a list; none where there is no list.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is_sidecar(container: &Value) -> bool {
    container["name"] == SIDECAR
}
