//! The metrics of watching, and what the watched paths hold.

use std::fs::{self, File};
use std::path::Path;

use nix::sys::signal::Signal;
use sidecar_testkit::wait;

use crate::scrape::Scrape;
use crate::support::{DEADLINE, Sidecar, digest_of, namespace, open_dir, plain_dir, unique_name};
use crate::{Config, Served, target};

const WATCHES: &str = "reloader_watches";
const EVENTS: &str = "reloader_watch_events_total";
const ERRORS: &str = "reloader_watch_errors_total";
const POLLING: &str = "reloader_polling";

#[test]
fn watches_are_the_paths_that_are_there() {
    let (one, two) = (Config::new(), open_dir());
    let conf = plain_dir(&two.path().join("conf"), &[("a.conf", "1")]);
    let builder = Sidecar::builder().config_dir(one.path()).config_dir(&conf);
    let served = Served::start(builder.process_name(&unique_name()));
    served.expect(&[(WATCHES, 2.0), (ERRORS, 0.0), (POLLING, 0.0)]);
    let away = two.path().join("away");
    for _ in 0..2 {
        fs::rename(&conf, &away).unwrap();
        served.expect(&[(WATCHES, 1.0)]);
        fs::rename(&away, &conf).unwrap();
        served.expect(&[(WATCHES, 2.0)]);
    }
}

/// The log tells of each with VERBOSE.
#[test]
fn every_event_counts_whether_it_is_a_change_or_not() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    let builder = Sidecar::builder().config_dir(&conf).process_name(&unique_name());
    let served = Served::start(builder.env("VERBOSE", "true").env("IGNORE", "*.tmp"));
    served.expect(&[(EVENTS, 0.0)]);
    for name in ["a.conf", "b.tmp", "..c"] {
        fs::write(conf.join(name), "2").unwrap();
    }
    for line in ["a.conf counts=true", "b.tmp counts=false", "..c counts=false"] {
        served.sidecar.wait_for_log(line, DEADLINE);
    }
    // It counts before it logs.
    let told = || served.sidecar.log_lines(" file-event ").len();
    wait::until(DEADLINE, "as many events as log lines", || {
        let scrape = served.scrape().value(EVENTS);
        (scrape == Some(f64::from(u32::try_from(told()).unwrap()))).then_some(())
    });
    assert!(told() >= 3);
}

/// More events than the kernel keeps.
#[test]
fn dropped_events_are_an_error() {
    let dir = open_dir();
    let conf = plain_dir(&dir.path().join("conf"), &[("a.conf", "1")]);
    let builder = Sidecar::builder().config_dir(&conf).process_name(&unique_name());
    let served = Served::start(builder.env("IGNORE", "*.tmp").env("VERBOSE", "true"));
    served.expect(&[(ERRORS, 0.0)]);
    served.sidecar.send(Signal::SIGSTOP);
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    for _ in 0..most.trim().parse::<u32>().unwrap() {
        File::create(conf.join("flood.tmp")).unwrap();
        fs::remove_file(conf.join("flood.tmp")).unwrap();
    }
    served.sidecar.send(Signal::SIGCONT);
    served.expect_at_least(ERRORS, 1.0);
    let lost = served.sidecar.wait_for_log_lines("file-event kind=Lost", 1, DEADLINE);
    assert_eq!(lost.len(), 1);
    served.expect(&[(ERRORS, 1.0), (POLLING, 0.0)]);
}

#[test]
fn polling_is_told_of_while_it_lasts_and_is_an_error() {
    if !namespace::available() {
        return;
    }
    let (config, name) = (Config::new(), unique_name());
    let target = target(&name);
    let limit = |most: u32| format!("echo {most} > /proc/sys/user/max_inotify_watches");
    let builder = Sidecar::builder().config_dir(config.path()).process_name(&name);
    let served = Served::start(builder.within(&limit(0)).env("RESYNC_INTERVAL", "0s"));
    served.expect(&[(POLLING, 1.0), (ERRORS, 1.0), (WATCHES, 1.0)]);
    config.change();
    target.wait_for_signals(1, DEADLINE);
    // It is polled all the same, and that is no further error.
    served.expect(&[(POLLING, 1.0), (ERRORS, 1.0), (EVENTS, 0.0)]);
    assert_eq!(served.get("/readyz").status, 200);
    namespace::inside(served.sidecar.pid(), &limit(100));
    served.expect(&[(POLLING, 0.0), (ERRORS, 1.0)]);
}

/// The digests of what this path is told to hold, each with the value 1.
#[track_caller]
fn digests(scrape: &Scrape, path: &Path) -> Vec<String> {
    let all = scrape.series("reloader_config_info");
    let of_path = all.filter(|(series, _)| series.labels["path"] == path.to_str().unwrap());
    of_path
        .map(|(series, value)| {
            assert!((value - 1.0).abs() < f64::EPSILON);
            format!("digest={}", series.labels["digest"])
        })
        .collect()
}

#[test]
fn the_digest_is_that_of_the_path_and_an_old_one_is_gone() {
    let (one, two, name) = (Config::new(), Config::new(), unique_name());
    let target = target(&name);
    let builder = Sidecar::builder().config_dir(one.path()).config_dir(two.path());
    let served = Served::start(builder.process_name(&name));
    let logged = |config: &Config| {
        let lines = served.sidecar.log_lines(&format!(" path={} ", config.path().display()));
        let last = lines.last().unwrap().rsplit(' ').next().unwrap();
        last.to_owned()
    };
    for round in 1..=3 {
        let scrape = served.scrape();
        assert_eq!(digests(&scrape, one.path()), [logged(&one)]);
        assert_eq!(digests(&scrape, two.path()), [logged(&two)]);
        one.change();
        target.wait_for_signals(round, DEADLINE);
        assert_ne!(digests(&served.scrape(), one.path()), digests(&scrape, one.path()));
        assert_eq!(digests(&served.scrape(), two.path()), digests(&scrape, two.path()));
    }
}

/// So that replicas that disagree can be found: the same content, wherever.
#[test]
fn the_digest_is_the_same_on_every_replica() {
    let (one, other) = (Config::new(), Config::new());
    let replicas = [&one, &other].map(|config| Served::watching(config.path(), &unique_name()));
    assert_eq!(digest_of(&[one.path()]), digest_of(&[other.path()]));
    let [first, second] = [&replicas[0], &replicas[1]].map(Served::scrape);
    assert_eq!(digests(&first, one.path()), digests(&second, other.path()));
    one.change();
    let before = digests(&first, one.path());
    let changed = || Some(digests(&replicas[0].scrape(), one.path())).filter(|now| *now != before);
    wait::until(DEADLINE, "another digest", changed);
}
