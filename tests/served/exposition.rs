//! How metrics are written: what Prometheus makes of them, formats, odd values.

use std::fs;
use std::time::Duration;

use nix::libc::SIGKILL;
use sidecar_testkit::target::Target;

use crate::scrape::Scrape;
use crate::support::{DEADLINE, Sidecar, open_dir, plain_dir, unique_name};
use crate::{Config, Served, http, promtool};

/// A sidecar to which everything has happened: a signal was held back, then sent, its target died, and a
/// further change is pending. Every series is there.
pub(crate) struct Eventful {
    pub(crate) served: Served,
    _config: Config,
}

impl Eventful {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let (config, name) = (Config::new(), unique_name());
        let late = Target::builder().named(&name).handler_delay(Duration::from_millis(500));
        let target = late.spawn().unwrap();
        let served = Served::watching(config.path(), &name);
        config.change();
        target.wait_for_signals(1, DEADLINE);
        target.send(SIGKILL).unwrap();
        served.expect(&[(&format!("reloader_targets_died_total{{process=\"{name}\"}}"), 1.0)]);
        config.change();
        served.expect_pending();
        Self { served, _config: config }
    }
}

#[test]
fn prometheus_has_nothing_to_object_to() {
    if !promtool::is_there() {
        return;
    }
    let (config, name) = (Config::new(), unique_name());
    let fresh = Served::watching(config.path(), &name);
    promtool::check_metrics(&fresh.get("/metrics").body);
    let eventful = Eventful::new();
    let scrape = eventful.served.get("/metrics").body;
    assert!(scrape.contains("reloader_signals_held_back_total{") && scrape.contains("_change_pending 1\n"));
    promtool::check_metrics(&scrape);
}

#[test]
fn open_metrics_is_for_those_who_ask_for_it() {
    const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let (config, name) = (Config::new(), unique_name());
    let served = Served::watching(config.path(), &name);
    let asked = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    for (accept, media_type) in [
        ("", PROMETHEUS),
        ("Accept: */*\r\n", PROMETHEUS),
        (&format!("Accept: {asked}\r\n"), OPEN_METRICS),
        ("ACCEPT: text/plain\r\naccept: application/openmetrics-text\r\n", OPEN_METRICS),
        ("Accept: application/openmetrics-text;q=0.1, text/plain\r\n", PROMETHEUS),
    ] {
        let answer = http::get_with(served.address, "/metrics", accept);
        assert_eq!((answer.status, answer.field("Content-Type")), (200, Some(media_type)), "{accept}");
        let (is_open, reloads) = (media_type == OPEN_METRICS, "# TYPE reloader_reloads");
        assert_eq!(answer.body.ends_with("\n# EOF\n"), is_open, "{}", answer.body);
        assert_eq!(answer.body.contains(&format!("{reloads} counter\n")), is_open);
        assert_eq!(answer.body.contains(&format!("{reloads}_total counter\n")), !is_open);
    }
}

/// The same samples in both.
#[test]
fn both_formats_say_the_same() {
    let (config, name) = (Config::new(), unique_name());
    let served = Served::watching(config.path(), &name);
    let samples = |accept: &str| {
        let body = http::get_with(served.address, "/metrics", accept).body;
        let lines = body.lines().filter(|line| !line.starts_with('#')).map(str::to_owned);
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines
    };
    let plain = samples("");
    assert!(plain.len() > 20, "{plain:?}");
    assert_eq!(plain, samples("Accept: application/openmetrics-text\r\n"));
}

#[test]
fn odd_values_are_escaped() {
    let (dir, name) = (open_dir(), format!("{}\"\\", unique_name()));
    let conf = plain_dir(&dir.path().join("a \"quoted\"\\back\\nslash\nand } line"), &[("a.conf", "1")]);
    let target = crate::target(&name);
    let served = Served::start(Sidecar::builder().config_dir(&conf).process_name(&name));
    fs::write(conf.join("a.conf"), "2").unwrap();
    target.wait_for_signals(1, DEADLINE);
    let body = served.get("/metrics").body;
    assert!(body.contains(r#"/a \"quoted\"\\back\\nslash\nand } line","#), "{body}");
    let scrape = Scrape::parse(&body);
    let (watched, _) = scrape.series("reloader_config_info").next().unwrap();
    assert_eq!(watched.labels["path"], conf.to_str().unwrap());
    let (signalled, _) = scrape.series("reloader_signals_total").next().unwrap();
    assert_eq!(signalled.labels["process"], name);
    if promtool::is_there() {
        promtool::check_metrics(&body);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let (config, name) = (Config::new(), unique_name());
    let served = Served::watching(config.path(), &name);
    let version = concat!("reloader_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
    served.expect(&[(version, 1.0)]);
}
