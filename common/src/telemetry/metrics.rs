//! What is counted of every request, and the registry that `/metrics` is written from.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text},
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram},
    registry::{Metric, Registry},
};
use serde_json::Value;

/// The metrics of one server. Not global: two servers can live in one process.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    answers: [Counter; CLASSES.len()],
    single: Mutex<Single>,
}

/// The metrics without labels.
#[derive(Default)]
struct Single {
    counters: BTreeMap<&'static str, Counter>,
    gauges: BTreeMap<&'static str, Read>,
}

type Read = Box<dyn Fn() -> Option<Value> + Send + Sync>;

/// The first digits of statuses, from 1 on.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

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
        let (answers, single) = (Default::default(), Mutex::default());
        Self { registry: Mutex::new(registry), requests, durations, answers, single }
    }

    /// Adds a metric of the service's own. `name` is written after the prefix.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.lock().register(name, help, metric);
    }

    /// Adds a counter of the service's own. `name` is written after the prefix, and `_total` after it.
    #[must_use]
    pub fn counter(&self, name: &'static str, help: &str) -> Counter {
        let counter = Counter::default();
        self.register(name, help, counter.clone());
        self.single().counters.insert(name, counter.clone());
        counter
    }

    /// Adds a number that is read only when somebody asks, so that it is never behind. `name` is written after the prefix;
    /// nothing is written where there is no number.
    pub fn gauge<N>(&self, name: &'static str, help: &'static str, read: impl Fn() -> Option<N> + Send + Sync + 'static)
    where
        ConstGauge<N>: EncodeMetric,
        N: Into<Value> + 'static,
    {
        let read = Arc::new(read);
        let again = Arc::clone(&read);
        self.single().gauges.insert(name, Box::new(move || again().map(Into::into)));
        self.lock().register_collector(Box::new(ReadWhenAsked { name, help, read: move || read() }));
    }

    pub(super) fn count(&self, method: &str, route: &str, status: u16, duration: Duration) {
        let labels = RequestLabels { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        if let Some(answers) = usize::from(status / 100).checked_sub(1).and_then(|class| self.answers.get(class)) {
            answers.inc();
        }
        let RequestLabels { method, route, .. } = labels;
        self.durations.get_or_create(&RouteLabels { method, route }).observe(duration.as_secs_f64());
    }

    /// How many requests were answered, by the class of the status.
    #[must_use]
    pub fn answers(&self) -> BTreeMap<&'static str, u64> {
        CLASSES.into_iter().zip(self.answers.iter().map(Counter::get)).collect()
    }

    /// The [counters](Self::counter) by name.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<&'static str, u64> {
        self.single().counters.iter().map(|(name, counter)| (*name, counter.get())).collect()
    }

    /// The [gauges](Self::gauge) by name, where there is a number.
    #[must_use]
    pub fn gauges(&self) -> BTreeMap<&'static str, Value> {
        self.single().gauges.iter().filter_map(|(name, read)| Some((*name, read()?))).collect()
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

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn single(&self) -> MutexGuard<'_, Single> {
        self.single.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
