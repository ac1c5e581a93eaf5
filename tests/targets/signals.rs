//! Every class of spelling of a signal delivers that signal.

use sidecar_testkit::target::Target;

use crate::support::{Sidecar, unique_name};
use crate::{Config, received, target};

const SPELLINGS: &[(&str, i32)] = &[
    ("", 1),
    ("SIGHUP", 1),
    ("hup", 1),
    ("1", 1),
    ("SIGUSR1", 10),
    ("10", 10),
    ("usr2", 12),
    ("SigWinch", 28),
    ("RTMIN", 34),
    ("SIGRTMIN+3", 37),
    ("37", 37),
    ("rtmax-1", 63),
];

#[test]
fn every_spelling_delivers_its_signal() {
    let config = Config::new();
    let start = |(spelling, number): &(&'static str, i32)| -> (&str, i32, Target, Sidecar) {
        let name = unique_name();
        let target = target(&name);
        let sidecar = config.sidecar().process_name(&name).env("RELOAD_SIGNAL", spelling).spawn();
        (spelling, *number, target, sidecar)
    };
    let pairs: Vec<_> = SPELLINGS.iter().map(start).collect();
    for round in 1..=2 {
        config.change();
        for (spelling, number, target, sidecar) in &pairs {
            sidecar.wait_for_log_lines(" sent signal=", round, crate::DEADLINE);
            assert_eq!(received(target), vec![*number; round], "RELOAD_SIGNAL={spelling}");
            assert_eq!(sidecar.sent(), round, "RELOAD_SIGNAL={spelling}");
        }
    }
}
