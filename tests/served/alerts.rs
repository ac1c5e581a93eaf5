//! `examples/alerts.yaml`: every metric that it names is served, and every alert fires and clears.

use std::collections::BTreeSet;

use crate::exposition::Eventful;
use crate::promtool;

const ALERTS: &str = include_str!("../../examples/alerts.yaml");
const TESTS: &str = include_str!("alerts.test.yaml");

/// What is below `spec`, as a rule file.
fn rules() -> String {
    let (_, spec) = ALERTS.split_once("\nspec:\n").unwrap();
    spec.lines().map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned() + "\n").collect()
}

/// What follows this key on its line.
fn values<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(key).skip(1).map(|rest| rest.split(['\n', ',']).next().unwrap().trim())
}

/// Words that look like names of metrics.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    words.filter(|word| word.starts_with("reloader_")).collect()
}

#[test]
fn every_metric_of_an_alert_is_served() {
    let scrape = Eventful::new().served.scrape();
    for text in [ALERTS, TESTS] {
        let named = metrics(text);
        assert!(named.len() >= 5, "{named:?}");
        assert_eq!(named.difference(&scrape.names()).collect::<Vec<_>>(), [&""; 0]);
    }
}

#[test]
fn every_alert_says_how_severe_it_is_and_what_to_do() {
    let alerts: Vec<&str> = ALERTS.split("- alert: ").skip(1).collect();
    assert_eq!(alerts.len(), 5);
    for alert in alerts {
        for key in ["expr: ", "severity: ", "summary: ", "description: "] {
            assert_eq!(values(alert, key).count(), 1, "{key} of {alert}");
        }
    }
}

#[test]
fn every_alert_fires_and_clears() {
    let alerts: BTreeSet<&str> = values(ALERTS, "- alert: ").collect();
    let tested: BTreeSet<&str> = values(TESTS, "alertname: ").collect();
    assert_eq!(alerts, tested);
    if promtool::is_there() {
        let rules = rules();
        promtool::run(&["check", "rules", "--lint-fatal", "rules.yaml"], &[("rules.yaml", &rules)]);
        promtool::run(&["test", "rules", "tests.yaml"], &[("rules.yaml", &rules), ("tests.yaml", TESTS)]);
    }
}
