//! What the tests stand on: databases, the service on a free port, tokens, answers as snapshots.

pub mod answer;
pub mod database;
#[path = "../../../../common/tests/interop/peer.rs"]
pub mod peer;
pub mod postgres;
pub mod service;
