//! The alert that clusters with kube-prometheus have already: `ConfigReloaderSidecarErrors` fires while a change
//! is pending, and clears.

use crate::support::{DEADLINE, unique_name};
use crate::{Config, Served, promtool, target};

/// As kube-prometheus ships it.
const RULE: &str = r#"
groups:
  - name: config-reloaders
    rules:
      - alert: ConfigReloaderSidecarErrors
        expr: max_over_time(reloader_last_reload_successful{namespace=~".+"}[5m]) == 0
        for: 10m
        labels:
          severity: warning
"#;

const SUCCESSFUL: &str = "reloader_last_reload_successful";

/// What Prometheus would have scraped: for five minutes, twenty, twenty.
struct Scraped {
    delivered: f64,
    pending: f64,
    delivered_then: f64,
}

impl Scraped {
    #[track_caller]
    fn new() -> Self {
        let (config, name) = (Config::new(), unique_name());
        let mut first = target(&name);
        let served = Served::watching(config.path(), &name);
        let value = || served.scrape().value(SUCCESSFUL).unwrap();
        config.change();
        first.wait_for_signals(1, DEADLINE);
        let delivered = value();
        first.kill().unwrap();
        config.change();
        served.expect(&[("reloader_change_pending", 1.0)]);
        served.expect_at_least("reloader_reloads_failed_total", 2.0);
        let pending = value();
        let next = target(&name);
        served.expect(&[("reloader_change_pending", 0.0)]);
        config.change();
        next.wait_for_signals(1, DEADLINE);
        Self { delivered, pending, delivered_then: value() }
    }

    /// The change is pending from the sixth minute to the 26th. The rule looks back five minutes, and waits ten
    /// then; which of its ends a range includes depends on Prometheus' version.
    fn tests(&self) -> String {
        let Self { delivered, pending, delivered_then } = self;
        let alerts = |minute: u8, fires: bool| {
            let alert = "{ exp_labels: { severity: warning, namespace: shop, pod: web-0 } }";
            let alerts = if fires { alert } else { "" };
            format!(
                "      - eval_time: {minute}m\n        alertname: ConfigReloaderSidecarErrors\n        \
                 exp_alerts: [{alerts}]\n"
            )
        };
        let expected =
            [(5, false), (11, false), (19, false), (22, true), (26, true), (28, false), (40, false)];
        let expected: String = expected.into_iter().map(|(minute, fires)| alerts(minute, fires)).collect();
        format!(
            "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n      \
             - series: {SUCCESSFUL}{{namespace=\"shop\", pod=\"web-0\"}}\n        \
             values: {delivered}x5 {pending}x20 {delivered_then}x20\n    alert_rule_test:\n{expected}"
        )
    }
}

#[test]
fn its_alert_fires_while_a_change_is_pending_and_clears() {
    if promtool::is_there() {
        let tests = Scraped::new().tests();
        promtool::run(&["test", "rules", "tests.yaml"], &[("rules.yaml", RULE), ("tests.yaml", &tests)]);
    }
}
