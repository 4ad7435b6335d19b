//! What an operator sees: log lines, request ids, metrics, health addresses.

pub mod healthcheck;
pub mod log;
pub mod management;
pub mod metrics;
pub mod observe;
