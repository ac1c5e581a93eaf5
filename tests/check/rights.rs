//! Whether the kernel would let the signal through.

use sidecar_testkit::target::Target;

use crate::support::is_root;
use crate::{NOBODY, Pod, found};

#[test]
fn another_users_process_is_mended_by_its_user() {
    assert!(is_root(), "this test becomes another user: run the tests as root");
    let mut pod = Pod::new();
    let check = |pod: &Pod| found(pod.check().user(NOBODY, NOBODY));
    let wrong = check(&pod);
    let what = format!(
        "cannot signal {} of user 0: EPERM: the kernel does not let user {NOBODY} signal it, and the sidecar \
         has no CAP_KILL",
        pod.title()
    );
    wrong
        .wrong("not-permitted")
        .what(&what)
        .mend("runAsUser")
        .mend("capability KILL (drop: [ALL], add: [KILL])");
    let signal = wrong.facts("signal");
    assert_eq!((&signal["effective_uid"], &signal["cap_kill"]), (&NOBODY.into(), &false.into()));
    let target = &signal["targets"][0];
    assert_eq!((&target["real_uid"], &target["permitted"]), (&0.into(), &false.into()));
    assert_eq!(pod.target.signals().len(), 0, "it only asks");

    pod.target = Target::builder().named(&pod.name).user(NOBODY, NOBODY).spawn().unwrap();
    let mended = check(&pod);
    mended.ok();
    assert_eq!(mended.facts("signal")["targets"][0]["real_uid"], NOBODY);
    // Root is let through to anybody.
    let by_root = pod.found();
    by_root.ok();
    assert_eq!(by_root.facts("signal")["cap_kill"], true);
}
