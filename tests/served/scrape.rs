//! What a scrape says.

use std::collections::{BTreeMap, BTreeSet};

/// A name and its labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
}

impl Series {
    /// Parses `name{label="value",…}`; returns what follows too.
    #[track_caller]
    fn parse(text: &str) -> (Self, &str) {
        let end = text.find(['{', ' ']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        let mut labels = BTreeMap::new();
        if let Some(inner) = rest.strip_prefix('{') {
            rest = inner;
            while !rest.starts_with('}') {
                let (label, after) = rest.split_once("=\"").unwrap();
                let (value, after) = unescape(after);
                labels.insert(label.to_owned(), value);
                rest = after.strip_prefix(',').unwrap_or(after);
            }
            rest = &rest[1..];
        }
        (Self { name: name.to_owned(), labels }, rest)
    }
}

/// A value up to its closing quote, and what follows that.
#[track_caller]
fn unescape(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next().unwrap().1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => panic!("\\{other} is no escape: {text}"),
            },
            char => value.push(char),
        }
    }
    panic!("no end of a value: {text}")
}

/// A scrape in Prometheus' text format.
#[derive(Debug, Clone)]
pub(crate) struct Scrape {
    samples: BTreeMap<Series, f64>,
    /// Of each family.
    pub(crate) types: BTreeMap<String, String>,
}

impl Scrape {
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Self {
        let (mut samples, mut types) = (BTreeMap::new(), BTreeMap::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                types.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with("# HELP ") {
                let (series, value) = Series::parse(line);
                let other = samples.insert(series, value.trim().parse().unwrap());
                assert_eq!(other, None, "twice: {line}");
            }
        }
        Self { samples, types }
    }

    /// The value of a series as it is written in a scrape.
    #[track_caller]
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let (series, rest) = Series::parse(series);
        assert_eq!(rest, "");
        self.samples.get(&series).copied()
    }

    /// All series of this name.
    pub(crate) fn series<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Series, f64)> {
        self.samples
            .iter()
            .filter(move |(series, _)| series.name == name)
            .map(|(series, value)| (series, *value))
    }

    /// The labels of a family, without the bounds of a histogram's buckets.
    pub(crate) fn labels(&self, family: &str) -> BTreeSet<&str> {
        let of_family = self.samples.keys().filter(|series| self.family(&series.name) == family);
        let labels = of_family.flat_map(|series| series.labels.keys().map(String::as_str));
        labels.filter(|label| *label != "le").collect()
    }

    /// The family that a sample's name belongs to.
    pub(crate) fn family<'a>(&self, name: &'a str) -> &'a str {
        let base = ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
        base.filter(|base| self.types.get(*base).is_some_and(|kind| kind == "histogram")).unwrap_or(name)
    }

    /// The names of all samples.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.samples.keys().map(|series| series.name.as_str()).collect()
    }
}
