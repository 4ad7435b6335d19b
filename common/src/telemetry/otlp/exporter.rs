//! Says in the log that exports fail, and when they work again.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

use super::outage::Outage;

/// An exporter whose failures are told.
#[derive(Debug)]
pub(super) struct ReportingExporter<E> {
    inner: E,
    outage: Mutex<Outage>,
}

impl<E> ReportingExporter<E> {
    pub fn new(inner: E) -> Self {
        Self { inner, outage: Mutex::default() }
    }
}

impl<E: SpanExporter> SpanExporter for ReportingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.inner.export(batch).await;
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            Err(error) if outage.failed(count, Instant::now()) => tracing::warn!(%error, "spans cannot be exported"),
            Err(_) => {}
            Ok(()) => {
                if let Some(lost) = outage.worked() {
                    tracing::info!(lost, "spans can be exported again");
                }
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
