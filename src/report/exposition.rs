//! What is served as metrics. Prometheus' text format is made of OpenMetrics' (`prometheus-client` writes only the latter). Pure.
//!
//! They differ in the name of a counter's family, which has `_total` in the one and not in the other, in the
//! type `info`, and in `# UNIT` and `# EOF`.

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::metrics::Metrics;

/// How metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format, version 0.0.4.
    Prometheus,
    /// OpenMetrics' text format, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics, under their names.
#[derive(Debug)]
pub struct Exposition(Registry);

impl Exposition {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(metrics.registry())
    }

    /// The metrics as they are now.
    pub fn text(&self, format: Format) -> String {
        let mut open_metrics = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut open_metrics, &self.0);
        match format {
            Format::OpenMetrics => open_metrics,
            Format::Prometheus => prometheus(&open_metrics),
        }
    }
}

/// The same metrics in Prometheus' text format, version 0.0.4.
fn prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + 256);
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(comment) = line.strip_prefix("# ") else {
            text = text + line + "\n";
            continue;
        };
        let (word, rest) = comment.split_once(' ').unwrap_or((comment, ""));
        if word == "HELP" {
            // The type, which follows, decides on the name.
            let suffix = lines.peek().and_then(|next| next.strip_prefix("# TYPE ")).map_or("", suffix);
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            text = text + "# HELP " + name + suffix + " " + help + "\n";
        } else if word == "TYPE" {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
            let kind = if kind == "info" { "gauge" } else { kind };
            text = text + "# TYPE " + name + suffix(rest) + " " + kind + "\n";
        }
    }
    text
}

/// What the samples' name has that the family's lacks.
fn suffix(family_and_type: &str) -> &'static str {
    match family_and_type.rsplit(' ').next() {
        Some("counter") => "_total",
        Some("info") => "_info",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::prometheus;

    #[test]
    fn every_kind_of_metric() {
        let open_metrics = "\
# HELP a_reloads Reloads.
# TYPE a_reloads counter
a_reloads_total 3
# HELP a_wait_seconds How long.
# TYPE a_wait_seconds histogram
# UNIT a_wait_seconds seconds
a_wait_seconds_sum 0.5
a_wait_seconds_bucket{le=\"+Inf\"} 1
# HELP a_pending Is it?
# TYPE a_pending gauge
a_pending{path=\"# TYPE x counter\"} 1
# HELP a_build What.
# TYPE a_build info
a_build_info{version=\"1\"} 1
# EOF
";
        let expected = "\
# HELP a_reloads_total Reloads.
# TYPE a_reloads_total counter
a_reloads_total 3
# HELP a_wait_seconds How long.
# TYPE a_wait_seconds histogram
a_wait_seconds_sum 0.5
a_wait_seconds_bucket{le=\"+Inf\"} 1
# HELP a_pending Is it?
# TYPE a_pending gauge
a_pending{path=\"# TYPE x counter\"} 1
# HELP a_build_info What.
# TYPE a_build_info gauge
a_build_info{version=\"1\"} 1
";
        assert_eq!(prometheus(open_metrics), expected);
    }
}
