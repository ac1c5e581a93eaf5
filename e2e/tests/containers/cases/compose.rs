//! The example for Compose, the very file.

use std::fs;

use e2e::run::Run;

use crate::support::{Compose, READY};

pub(crate) fn the_example_reloads_once_a_change(run: &'static Run) {
    let compose = Compose::up(run);
    compose.wait_for_log(READY, 1);
    let file = compose.conf().join("default.conf");
    let one = fs::read_to_string(&file).unwrap();
    assert!(one.contains("one"));
    let change = |from: &str, to: &str, count: usize| {
        let content = fs::read_to_string(&file).unwrap().replace(from, to);
        // As `sed -i` and editors do.
        let new = file.with_extension("new");
        fs::write(&new, &content).unwrap();
        fs::rename(&new, &file).unwrap();
        assert_eq!(compose.expect_reloads(count).files["default.conf"], content);
    };
    change("one", "two", 1);
    change("two", "three", 2);
    // The sidecar ends with the application, and comes back as the example says.
    compose.call(&["restart", "app"]);
    compose.call(&["up", "-d"]);
    compose.wait_for_log(READY, 2);
    change("three", "four", 3);
}
