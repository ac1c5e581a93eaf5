//! The node's limits of inotify. A user namespace has limits of its own, so that those of the machine stay as
//! they are.

use crate::{Pod, found};

fn limited_and_lifted(what: &str) {
    let pod = Pod::new();
    let with_limit = |most: u32| {
        let script = format!("echo {most} > /proc/sys/user/max_inotify_{what}");
        found(pod.check().within(&script))
    };
    let wrong = with_limit(0);
    let sysctl = format!("fs.inotify.max_user_{what}, which all containers of one user share");
    wrong.wrong(&format!("inotify-{what}")).mend(&sysctl);
    let failure = &wrong.facts("inotify")["failure"];
    assert_eq!((&failure["cause"], &wrong.facts("inotify")["can_watch"]), (&what.into(), &false.into()));
    with_limit(100).ok();
}

#[test]
fn without_an_instance_left_the_limit_is_to_be_raised() {
    limited_and_lifted("instances");
}

#[test]
fn without_a_watch_left_the_limit_is_to_be_raised() {
    limited_and_lifted("watches");
}

#[test]
fn the_limits_are_told() {
    let found = Pod::new().found();
    let inotify = found.facts("inotify");
    assert!(inotify["max_user_instances"].as_u64().unwrap() > 0, "{inotify}");
    assert!(inotify["max_user_watches"].as_u64().unwrap() > 0, "{inotify}");
}
