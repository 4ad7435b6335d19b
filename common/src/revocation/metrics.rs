//! What `/metrics` says of a mirror.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
};

use super::mirror::Mirror;

/// How many revocations a mirror knows, and how old its knowledge is.
pub struct MirrorMetrics(pub Arc<Mirror>);

impl fmt::Debug for MirrorMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MirrorMetrics")
    }
}

impl Collector for MirrorMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let count = ConstGauge::new(i64::try_from(self.0.len()).unwrap_or(i64::MAX));
        let help = "Revocations that some token could still be about";
        count.encode(encoder.encode_descriptor("revocations", help, None, count.metric_type())?)?;
        let Some(age) = self.0.age() else { return Ok(()) };
        let age = ConstGauge::new(age.as_secs_f64());
        let help = "Time since the mirror was as good as the feed";
        age.encode(encoder.encode_descriptor("revocations_age_seconds", help, None, age.metric_type())?)
    }
}
