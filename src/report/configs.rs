//! What each watched path holds, as a metric: made when somebody asks, and not at each change, when nobody may.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;

use crate::volume::Digest;

#[derive(Debug, Clone, Default)]
pub(super) struct Configs(Arc<Mutex<Vec<(PathBuf, Digest)>>>);

impl Configs {
    /// This path holds that from now on.
    pub(super) fn set(&self, path: &Path, digest: Digest) {
        let mut all = self.all();
        match all.iter_mut().find(|(watched, _)| watched.as_os_str() == path.as_os_str()) {
            Some((_, held)) => *held = digest,
            None => all.push((path.to_owned(), digest)),
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<(PathBuf, Digest)>> {
        // Whole at every step, so that a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EncodeMetric for Configs {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (path, digest) in self.all().iter() {
            let labels = [("path", path.display().to_string()), ("digest", digest.to_string())];
            encoder.encode_family(&labels)?.encode_gauge(&1_i64)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn each_path_is_one_series_with_what_it_holds_now() {
        let (configs, mut registry) = (Configs::default(), Registry::default());
        registry.register("config_info", "Help", configs.clone());
        let [a, b] = ["/a", "/b \"c\""].map(Path::new);
        for (path, number) in [(a, 1), (b, 2), (a, 3)] {
            configs.set(path, Digest::for_tests(number));
        }
        let mut shown = String::new();
        text::encode(&mut shown, &registry).unwrap();
        let samples: Vec<&str> = shown.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            r#"config_info{path="/a",digest="030303030303"} 1"#,
            r#"config_info{path="/b \"c\"",digest="020202020202"} 1"#,
        ];
        assert_eq!(samples, expected);
    }
}
