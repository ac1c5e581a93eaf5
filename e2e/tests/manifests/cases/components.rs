//! The two components, in every kind of workload that they are for.

use serde_json::Value;

use super::examples::assert_none;
use crate::render::Rendered;
use crate::schemas;
use crate::workload::Workload;

const KINDS: [&str; 4] = ["DaemonSet", "Deployment", "Job", "StatefulSet"];

fn kinds(form: &str) -> Rendered {
    Rendered::fixture(&format!("kinds/{form}"))
}

pub(super) fn reach() {
    for form in ["plain", "native"] {
        let workloads = kinds(form).workloads();
        let mut reached: Vec<&str> = workloads.iter().map(|workload| workload.kind.as_str()).collect();
        reached.sort_unstable();
        assert_eq!(reached, KINDS, "{form}");
        for workload in &workloads {
            assert_ne!(workload.name, "other");
            assert_eq!(workload.is_native(), form == "native");
            assert_eq!(workload.pod["shareProcessNamespace"], true);
            assert_eq!(workload.pod["containers"][0]["name"], "app", "{form}: the application is first");
        }
    }
}

pub(super) fn same() {
    let [plain, mut native] = ["plain", "native"].map(|form| sidecar_of_daemon_set(&kinds(form)));
    let native_only = native.as_object_mut().unwrap();
    assert_eq!(native_only.remove("restartPolicy"), Some("Always".into()));
    assert!(native_only.remove("startupProbe").is_some());
    assert_eq!(plain, native);
}

fn sidecar_of_daemon_set(rendered: &Rendered) -> Value {
    let workloads = rendered.workloads();
    workloads.iter().find(|workload| workload.kind == "DaemonSet").map(Workload::sidecar).unwrap().clone()
}

pub(super) fn valid() {
    assert_none(&schemas::rejections(&kinds("plain"), schemas::ALL));
    assert_none(&schemas::rejections(&kinds("native"), schemas::NATIVE..=*schemas::ALL.end()));
}

pub(super) fn native() {
    let rendered = kinds("native");
    let rejections = schemas::rejections(&rendered, 25..=27);
    assert_eq!(rejections.len(), 3 * KINDS.len(), "{rejections:#?}");
    assert!(rejections.iter().all(|line| line.contains("'restartPolicy' was unexpected")), "{rejections:#?}");
    // 1.28 knows the field, and drops it unless a feature gate is set.
    assert_none(&schemas::rejections(&rendered, 28..=28));
}
