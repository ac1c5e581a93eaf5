//! The rules that no schema knows: what makes the sidecar work in the pod that it is in.

use serde_json::{Value, json};

use crate::workload::{Workload, list};

/// CRI-O refuses less, and runc's own start takes about as much.
const LEAST_MEMORY_LIMIT_IN_MI: u32 = 12;

/// One line for each rule that the workload breaks.
pub(crate) fn broken(workload: &Workload) -> Vec<String> {
    let rules = [pod, image, watched_paths, rights, confinement, probes, resources];
    rules.into_iter().flat_map(|rule| rule(workload)).collect()
}

/// A line for each of these that does not hold.
fn unmet<const N: usize>(what: [(bool, &str); N]) -> Vec<String> {
    what.into_iter().filter(|(holds, _)| !holds).map(|(_, line)| line.to_owned()).collect()
}

fn pod(workload: &Workload) -> Vec<String> {
    let first = workload.pod["containers"][0]["name"] != workload.sidecar()["name"];
    let restarts = !workload.is_native() || workload.sidecar()["restartPolicy"] == "Always";
    unmet([
        (workload.pod["shareProcessNamespace"] == true, "shareProcessNamespace is not true"),
        (first, "the sidecar is the first container: the default of kubectl logs and exec"),
        (restarts, "a native sidecar needs restartPolicy: Always"),
    ])
}

fn image(workload: &Workload) -> Vec<String> {
    // The version is the workspace's, which the sidecar's is too.
    let expected = concat!("config-reloader-sidecar:", env!("CARGO_PKG_VERSION"));
    unmet([(workload.sidecar()["image"] == expected, "the image is not that of this version")])
}

fn watched_paths(workload: &Workload) -> Vec<String> {
    let paths = workload.setting("CONFIG_DIR");
    let paths = paths.split(',').map(str::trim).filter(|path| !path.is_empty());
    let broken: Vec<String> = paths.clone().filter_map(|path| watched_path(workload, path)).collect();
    if paths.count() == 0 { vec!["CONFIG_DIR is not set".to_owned()] } else { broken }
}

fn watched_path(workload: &Workload, path: &str) -> Option<String> {
    let Some(mount) = mount_of(workload.sidecar(), path) else {
        return Some(format!("{path} is not mounted in the sidecar"));
    };
    let same = |application: &&Value| {
        mount_of(application, path).is_some_and(|other| other["name"] == mount["name"])
    };
    let Some(application) = workload.applications().find(same) else {
        return Some(format!("{path} is of another volume in the application"));
    };
    let by_key = |mount: &Value| ["subPath", "subPathExpr"].iter().any(|field| mount.get(field).is_some());
    if by_key(mount) || by_key(mount_of(application, path)?) {
        return Some(format!("{path} is a subPath, which never changes"));
    }
    let volume = workload.volume(mount["name"].as_str()?);
    volume.is_none().then(|| format!("{path} is of a volume that the pod does not have"))
}

/// The mount that holds this path.
fn mount_of<'a>(container: &'a Value, path: &str) -> Option<&'a Value> {
    let holds = |mount: &&Value| {
        let top = mount["mountPath"].as_str().unwrap_or_default().trim_end_matches('/');
        path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    list(&container["volumeMounts"]).find(holds)
}

/// Either root with `KILL`, or the application's user without.
fn rights(workload: &Workload) -> Vec<String> {
    let context = &workload.sidecar()["securityContext"];
    let added = context["capabilities"].get("add").cloned().unwrap_or(json!([]));
    let by_kill = context["runAsUser"] == 0 && added == json!(["KILL"]);
    let user = &context["runAsUser"];
    let of_application = workload.applications().any(|application| workload.user(application) == user);
    let by_user = of_application && context["runAsNonRoot"] == true && user.as_u64() > Some(0);
    unmet([
        (by_kill || (by_user && added == json!([])), "neither root with KILL nor the application's user"),
        (context["capabilities"]["drop"] == json!(["ALL"]), "capabilities are kept"),
    ])
}

fn confinement(workload: &Workload) -> Vec<String> {
    let context = &workload.sidecar()["securityContext"];
    unmet([
        (context["allowPrivilegeEscalation"] == false, "allowPrivilegeEscalation is not false"),
        (context["readOnlyRootFilesystem"] == true, "readOnlyRootFilesystem is not true"),
        (context["seccompProfile"]["type"] == "RuntimeDefault", "seccompProfile is not RuntimeDefault"),
    ])
}

fn probes(workload: &Workload) -> Vec<String> {
    let sidecar = workload.sidecar();
    let listens = workload.setting("LISTEN_ADDR");
    let port: u16 = listens.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default();
    let asks = |probe: &str| sidecar[probe]["httpGet"] == json!({ "path": "/healthz", "port": port });
    let declared = list(&sidecar["ports"]).any(|declared| declared["containerPort"] == port);
    unmet([
        (port != 0, "LISTEN_ADDR has no port"),
        // The kubelet comes from outside the pod.
        (listens.starts_with(':'), "LISTEN_ADDR is not every address: probes do not reach it"),
        (asks("livenessProbe"), "livenessProbe does not ask /healthz at LISTEN_ADDR's port"),
        (asks("startupProbe") == workload.is_native(), "startupProbe: /healthz for a native sidecar only"),
        (sidecar.get("readinessProbe").is_none(), "a readinessProbe takes the pod out of its Service"),
        (declared, "LISTEN_ADDR's port is not among ports"),
    ])
}

fn resources(workload: &Workload) -> Vec<String> {
    let resources = &workload.sidecar()["resources"];
    let limit = resources["limits"]["memory"].as_str().and_then(|limit| limit.strip_suffix("Mi"));
    let limit: u32 = limit.and_then(|limit| limit.parse().ok()).unwrap_or_default();
    unmet([
        (
            resources["requests"] == json!({ "cpu": "1m", "memory": "2Mi" }),
            "requests are not the measured ones",
        ),
        (limit >= LEAST_MEMORY_LIMIT_IN_MI, "the memory limit is too low for a container to start in"),
        (resources["limits"].get("cpu").is_none(), "a limit of CPU delays the reload"),
    ])
}
