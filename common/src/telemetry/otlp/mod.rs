//! Spans on their way to an OpenTelemetry collector (OTLP over HTTP, protobuf).
//!
//! A span is made whole when its request has been answered, with the ids of its
//! [`TraceContext`](crate::context::TraceContext), and goes into the bounded queue of the SDK's batch processor; a full
//! queue drops it. Nobody but the processor's thread waits for the collector.

mod exporter;
mod http_client;
mod outage;
mod span;

use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor},
};
use tokio::task::spawn_blocking;

use self::{exporter::ReportingExporter, http_client::RuntimeClient};
use super::traces::{Answered, NoExporter};

/// A collector that takes longer has lost the batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// So many spans may wait, some 500 bytes each.
const QUEUE: usize = 2_048;
const BATCH: usize = 512;

/// The running exporter of a service.
pub(super) struct Exporter {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

impl Exporter {
    pub fn start(endpoint: &str, service_name: &str) -> Result<Self, NoExporter> {
        let client = RuntimeClient::new(EXPORT_TIMEOUT).map_err(|error| NoExporter(error.to_string()))?;
        let otlp = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|error| NoExporter(error.to_string()))?;
        let limits = BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH);
        let mut processor = BatchSpanProcessor::new(ReportingExporter::new(otlp), limits.build());
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(service_name.to_owned()).with_attribute(version);
        processor.set_resource(&resource.build());
        let scope = InstrumentationScope::builder("latchkey").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self { processor, scope })
    }

    pub fn queue(&self, request: &Answered<'_>) {
        self.processor.on_end(span::of(request, self.scope.clone()));
    }

    pub async fn stop(self: Arc<Self>) {
        let stopped = spawn_blocking(move || self.processor.shutdown_with_timeout(STOP_TIMEOUT)).await;
        if !matches!(stopped, Ok(Ok(()))) {
            tracing::warn!("the last spans could not be exported in time");
        }
    }
}
