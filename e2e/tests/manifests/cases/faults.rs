//! Faults that were made on purpose: each is seen, and named.

use serde_json::{Value, json};

use super::examples;
use crate::render::Rendered;
use crate::{program, rules, schemas};

pub(super) fn wrong_field() {
    let rejections = schemas::rejections(&Rendered::fixture("wrong-field"), schemas::ALL);
    assert_eq!(rejections.len(), schemas::ALL.count(), "{rejections:#?}");
    assert!(rejections.iter().all(|line| line.contains("'mountpath' was unexpected")), "{rejections:#?}");
}

pub(super) fn unknown_setting() {
    let workload = Rendered::fixture("unknown-setting").workload();
    assert_eq!(program::complaints(&workload.settings()), ["RELOAD_SIGNALS is no setting"]);
}

pub(super) fn wrong_value() {
    let mut settings = Rendered::example("nginx").workload().settings();
    settings.insert("RELOAD_SIGNAL".to_owned(), "SIGNONE".to_owned());
    let complaints = program::complaints(&settings);
    assert!(complaints.len() == 1 && complaints[0].contains("SIGNONE"), "{complaints:#?}");
}

/// In the pod of the nginx example: what is changed (in `containers/1`, the sidecar, unless it begins with a
/// slash), to what, and what is said of it.
const FAULTS: [(&str, &str, &str); 20] = [
    ("/shareProcessNamespace", "false", "shareProcessNamespace is not true"),
    ("/containers/0/volumeMounts/0/name", r#""other""#, "of another volume in the application"),
    ("/containers/0/volumeMounts/0/subPath", r#""default.conf""#, "is a subPath"),
    ("/volumes", "[]", "of a volume that the pod does not have"),
    ("image", r#""config-reloader-sidecar:latest""#, "not that of this version"),
    ("env", "[]", "CONFIG_DIR is not set"),
    ("volumeMounts", "[]", "is not mounted in the sidecar"),
    ("volumeMounts/0/mountPath", r#""/etc/nginx/conf""#, "is not mounted in the sidecar"),
    ("volumeMounts/0/subPathExpr", r#""default.conf""#, "is a subPath"),
    ("securityContext/runAsUser", "1000", "neither root with KILL"),
    ("securityContext/capabilities/add", r#"["SYS_PTRACE"]"#, "neither root with KILL"),
    ("securityContext/capabilities/drop", "[]", "capabilities are kept"),
    ("securityContext/allowPrivilegeEscalation", "true", "allowPrivilegeEscalation is not false"),
    ("securityContext/readOnlyRootFilesystem", "false", "readOnlyRootFilesystem is not true"),
    ("securityContext/seccompProfile", "null", "seccompProfile is not RuntimeDefault"),
    ("livenessProbe/httpGet/port", "9534", "livenessProbe does not ask"),
    ("readinessProbe", r#"{"httpGet": {"path": "/readyz", "port": 9533}}"#, "takes the pod out"),
    ("ports", "[]", "not among ports"),
    ("resources/limits/memory", r#""8Mi""#, "the memory limit is too low"),
    ("resources/limits/cpu", r#""50m""#, "a limit of CPU"),
];

pub(super) fn broken_rules() {
    let whole = Rendered::example("nginx").workload();
    for (field, value, expected) in FAULTS {
        let mut workload = whole.clone();
        let field = if field.starts_with('/') { field.to_owned() } else { format!("/containers/1/{field}") };
        set(&mut workload.pod, &field, serde_json::from_str(value).unwrap());
        let broken = rules::broken(&workload);
        assert!(broken.iter().any(|line| line.contains(expected)), "{field}: {broken:#?}");
    }
}

fn set(pod: &mut Value, field: &str, value: Value) {
    let (parent, name) = field.rsplit_once('/').unwrap();
    pod.pointer_mut(parent).unwrap()[name] = value;
}

pub(super) fn missing_source() {
    let rendered = Rendered::example("nginx");
    let mut workload = rendered.workload();
    assert!(examples::source(&rendered, &workload, "config").is_some());
    workload.pod["volumes"][0]["configMap"] = json!({ "name": "nginx-5f7k2" });
    assert!(examples::source(&rendered, &workload, "config").is_none());
}
