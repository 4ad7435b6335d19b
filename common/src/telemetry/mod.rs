//! What an operator sees: log lines, metrics, traces, health addresses.

pub mod healthcheck;
pub mod log;
pub mod management;
pub mod metrics;
pub mod observe;
#[cfg(feature = "otlp")]
mod otlp;
pub mod traces;
