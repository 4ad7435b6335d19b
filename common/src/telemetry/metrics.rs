//! What is counted of every request, and the registry that `/metrics` is written from.

use std::{fmt, sync::Mutex, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text},
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram},
    registry::{Metric, Registry},
};

/// The metrics of one server. Not global: two servers can live in one process.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

/// A number that is read when somebody asks.
struct ReadWhenAsked<F> {
    name: &'static str,
    help: &'static str,
    read: F,
}

impl<F> fmt::Debug for ReadWhenAsked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<N: 'static, F: Fn() -> Option<N> + Send + Sync + 'static> Collector for ReadWhenAsked<F>
where
    ConstGauge<N>: EncodeMetric,
{
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(number) = (self.read)() else { return Ok(()) };
        let gauge = ConstGauge::new(number);
        gauge.encode(encoder.encode_descriptor(self.name, self.help, None, gauge.metric_type())?)
    }
}

/// From half a millisecond to ten seconds.
const DURATION_BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

impl Metrics {
    /// The metrics of a service whose own names begin with `prefix`.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        let mut registry = Registry::with_prefix(prefix);
        let requests = Family::default();
        let durations: Family<RouteLabels, Histogram> =
            Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS));
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_duration_seconds", "Time from request to answer", durations.clone());
        Self { registry: Mutex::new(registry), requests, durations }
    }

    /// Adds a metric of the service's own. `name` is written after the prefix.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.lock().register(name, help, metric);
    }

    /// Adds a number that is read only when somebody asks, so that it is never behind. `name` is written after the prefix;
    /// nothing is written where there is no number.
    pub fn gauge<N>(&self, name: &'static str, help: &'static str, read: impl Fn() -> Option<N> + Send + Sync + 'static)
    where
        ConstGauge<N>: EncodeMetric,
        N: 'static,
    {
        self.lock().register_collector(Box::new(ReadWhenAsked { name, help, read }));
    }

    pub(super) fn count(&self, method: &str, route: &str, status: u16, duration: Duration) {
        let labels = RequestLabels { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        let RequestLabels { method, route, .. } = labels;
        self.durations.get_or_create(&RouteLabels { method, route }).observe(duration.as_secs_f64());
    }

    /// All metrics in the `OpenMetrics` text format.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut buffer = String::new();
        if let Err(error) = text::encode(&mut buffer, &self.lock()) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        buffer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
