//! Where the spans of requests go, if anywhere. That log lines name traces does not depend on it.

use std::{sync::Arc, time::Duration};

use crate::{context::TraceContext, settings::TraceSettings};

#[cfg(feature = "otlp")]
use super::otlp::Exporter;

/// Gives the spans of answered requests to the exporter, where the settings name a collector.
#[derive(Debug, Clone)]
pub struct Traces(Option<Arc<Exporter>>);

/// Why there is no exporter.
#[derive(Debug, thiserror::Error)]
#[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
pub struct NoExporter(pub(super) String);

/// A request that has been answered.
#[derive(Debug)]
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only an exporter reads all of it"))]
pub(super) struct Answered<'a> {
    pub trace: &'a TraceContext,
    /// `other` for one that is not known here.
    pub method: &'static str,
    /// `None` where nothing is at its address.
    pub route: Option<&'a str>,
    pub status: u16,
    pub duration: Duration,
}

impl Traces {
    /// Starts the exporter, on a thread of its own. Within a runtime, which its requests are sent from.
    pub fn start(settings: &TraceSettings) -> Result<Self, NoExporter> {
        let start = |endpoint: &String| Exporter::start(endpoint, &settings.service_name).map(Arc::new);
        Ok(Self(settings.endpoint.as_ref().map(start).transpose()?))
    }

    /// Never waits.
    pub(super) fn answered(&self, request: &Answered<'_>) {
        if let Some(exporter) = self.0.as_ref().filter(|_| request.trace.is_sampled()) {
            exporter.queue(request);
        }
    }

    /// Sends what waits, for two seconds at most, and ends the exporter.
    pub async fn stop(&self) {
        if let Some(exporter) = &self.0 {
            Arc::clone(exporter).stop().await;
        }
    }
}

/// In a build without `otlp` there is none.
#[cfg(not(feature = "otlp"))]
#[derive(Debug)]
enum Exporter {}

#[cfg(not(feature = "otlp"))]
impl Exporter {
    fn start(_endpoint: &str, _service_name: &str) -> Result<Self, NoExporter> {
        Err(NoExporter("this build has no exporter; it takes the Cargo feature `otlp`".to_owned()))
    }

    fn queue(&self, _request: &Answered<'_>) {
        match *self {}
    }

    fn stop(self: Arc<Self>) -> std::future::Ready<()> {
        match *self {}
    }
}
