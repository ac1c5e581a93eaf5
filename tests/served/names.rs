//! Every metric has a test, and a row in the README; and there are no others.

use std::collections::{BTreeMap, BTreeSet};

use crate::exposition::Eventful;

/// Where the tests are that say what moves a metric.
const TESTS: [&str; 4] = [
    include_str!("exposition.rs"),
    include_str!("reloads.rs"),
    include_str!("signals.rs"),
    include_str!("watching.rs"),
];

/// Name → type and labels.
type Table = BTreeMap<String, (String, BTreeSet<String>)>;

fn served() -> Table {
    let scrape = Eventful::new().served.scrape();
    let row = |(name, kind): (&String, &String)| {
        let labels = scrape.labels(name).into_iter().map(str::to_owned).collect();
        (name.clone(), (kind.clone(), labels))
    };
    scrape.types.iter().map(row).collect()
}

/// The README's table.
fn documented() -> Table {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("## Metrics and probes").unwrap();
    let rows = section.lines().take_while(|line| !line.starts_with("## "));
    let rows = rows.filter(|line| line.starts_with("| `reloader_"));
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let row = |row: &str| {
        let cells: Vec<&str> = row.split(" | ").collect();
        (quoted(cells[0]).remove(0), (cells[1].to_owned(), quoted(cells[2]).into_iter().collect()))
    };
    rows.map(row).collect()
}

#[test]
fn the_readme_has_a_row_of_each_metric_and_no_others() {
    assert_eq!(documented(), served());
}

#[test]
fn each_metric_has_a_test() {
    for (name, (kind, _)) in served() {
        // A string that is this name, or begins with it and its labels, or with a part of a histogram.
        let ends = if kind == "histogram" { ["_sum\"", "_count\"", "_bucket\""] } else { ["\"", "{", "{{"] };
        let is_tested =
            TESTS.iter().any(|test| ends.iter().any(|end| test.contains(&format!("\"{name}{end}"))));
        assert!(is_tested, "nothing tests what moves {name}");
    }
}
