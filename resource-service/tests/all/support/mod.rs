//! What the tests stand on: databases, the service on a free port, tokens, answers as snapshots.

pub mod answer;
pub mod database;
pub mod postgres;
pub mod service;
