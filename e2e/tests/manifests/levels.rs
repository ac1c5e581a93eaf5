//! The Pod Security level "restricted", as far as these pods can break it; no schema knows it.

use serde_json::{Value, json};

use crate::workload::{Workload, list};

const VOLUMES: [&str; 8] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Whether all of the pod is allowed.
pub(crate) fn is_restricted(workload: &Workload) -> bool {
    let pod = &workload.pod;
    let containers = list(&pod["initContainers"]).chain(list(&pod["containers"]));
    let volumes = list(&pod["volumes"]).all(|volume| VOLUMES.iter().any(|kind| volume.get(kind).is_some()));
    volumes && !shares_with_node(pod) && containers.into_iter().all(|container| is_allowed(pod, container))
}

fn shares_with_node(pod: &Value) -> bool {
    ["hostNetwork", "hostPID", "hostIPC"].iter().any(|field| pod[field] == true)
}

fn is_allowed(pod: &Value, container: &Value) -> bool {
    let own = &container["securityContext"];
    // The container's word counts, and the pod's where it has none.
    let effective = |pointer: &str| {
        own.pointer(pointer).or_else(|| pod["securityContext"].pointer(pointer)).cloned().unwrap_or_default()
    };
    let mut added = list(&own["capabilities"]["add"]);
    effective("/runAsNonRoot") == true
        && effective("/runAsUser") != 0
        && effective("/seccompProfile/type") == "RuntimeDefault"
        && own["allowPrivilegeEscalation"] == false
        && own["capabilities"]["drop"] == json!(["ALL"])
        && added.all(|capability| capability == "NET_BIND_SERVICE")
}
