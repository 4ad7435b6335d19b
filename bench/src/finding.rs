//! What the benchmarks of growth and of the footprint find, as it is written down.

use serde::Serialize;

use crate::{contest::Measured, report::Latency};

/// A line of JSON; `record` says which of these it is.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Finding {
    /// Refreshes beside many sessions, in one turn.
    GrowthSessions(BesideSessions),
    /// What a session takes in the store.
    GrowthBytes(SessionBytes),
    /// What the record of one session is in Redis.
    GrowthRedisRecord(RedisRecord),
    /// A user's sessions, listed, in one turn.
    GrowthSessionsList(SessionsList),
    /// The sweep of expired sessions.
    GrowthSweep(Sweep),
    /// Refreshes at several auth-services on one Redis, in one turn.
    GrowthReplicas(AtReplicas),
    /// From the answer to a logout to the refusal by the mirrors of one feed.
    GrowthMirrors(ByMirrors),
    /// From the start of a process to the answer that it is ready.
    FootprintStart(Start),
    /// The memory of a process.
    FootprintMemory(ProcessMemory),
    /// The size of a program.
    FootprintBinary(Binary),
}

/// Refreshes beside many sessions, in one turn.
#[derive(Debug, Clone, Serialize)]
pub struct BesideSessions {
    /// Where the sessions are kept.
    pub store: &'static str,
    /// Sessions in the store.
    pub sessions: u32,
    /// From 1.
    pub round: u32,
    /// What came out.
    #[serde(flatten)]
    pub measured: Measured,
}

/// What a session takes in the store, with its places in all indexes.
#[derive(Debug, Clone, Serialize)]
pub struct SessionBytes {
    /// Where the sessions are kept.
    pub store: &'static str,
    /// Sessions in the store.
    pub sessions: u32,
    /// What was added since the store was small, divided by the sessions that were added.
    pub bytes: f64,
}

/// What the record of one session is in Redis.
#[derive(Debug, Clone, Serialize)]
pub struct RedisRecord {
    /// Of its fields' names and values.
    pub content_bytes: usize,
    /// Of its fields' names.
    pub name_bytes: usize,
    /// Of its key.
    pub key_bytes: usize,
    /// `OBJECT ENCODING` of the record.
    pub encoding: String,
    /// `MEMORY USAGE` of the record, key included.
    pub record_memory_bytes: u64,
    /// `MEMORY USAGE` of the index of its user.
    pub index_memory_bytes: u64,
    /// Sessions in that index.
    pub index_sessions: u32,
}

/// A user's sessions, listed, in one turn.
#[derive(Debug, Clone, Serialize)]
pub struct SessionsList {
    /// Where the sessions are kept.
    pub store: &'static str,
    /// Sessions in the store.
    pub sessions: u32,
    /// Sessions in the list.
    pub listed: u32,
    /// From 1.
    pub round: u32,
    /// What came out.
    #[serde(flatten)]
    pub measured: Measured,
}

/// The sweep of expired sessions.
#[derive(Debug, Clone, Serialize)]
pub struct Sweep {
    /// Where the sessions are kept.
    pub store: &'static str,
    /// Sessions in the store before.
    pub sessions: u32,
    /// Sessions that were swept, each of both times.
    pub expired: u32,
    /// How long it takes with nothing else to do.
    pub alone_seconds: f64,
    /// How long it takes beside refreshes.
    pub loaded_seconds: f64,
    /// Refreshes without a sweep.
    pub calm: Measured,
    /// Refreshes meanwhile.
    pub meanwhile: Measured,
    /// Refreshes meanwhile that were not answered with new tokens.
    pub failed_meanwhile: u32,
}

/// Refreshes at several auth-services on one Redis, in one turn.
#[derive(Debug, Clone, Serialize)]
pub struct AtReplicas {
    /// Of the machine, which the driver and Redis share with them.
    pub processors: usize,
    /// auth-services.
    pub replicas: usize,
    /// From 1.
    pub round: u32,
    /// What came out, all of them together.
    #[serde(flatten)]
    pub measured: Measured,
}

/// From the answer to a logout to the refusal by the mirrors of one feed, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct ByMirrors {
    /// resource-services.
    pub mirrors: usize,
    /// Between two questions to one of them.
    pub asked_every_ms: u128,
    /// Until each of them refused.
    pub each: Latency,
    /// Until the last of them refused.
    pub everywhere: Latency,
}

/// From the start of a process to the answer that it is ready.
#[derive(Debug, Clone, Serialize)]
pub struct Start {
    /// Which program.
    pub program: &'static str,
    /// `empty`, or `migrated` by a start before.
    pub database: &'static str,
    /// From 1.
    pub run: u32,
    /// Milliseconds.
    pub ms: f64,
}

/// The memory of a process, in megabytes of 10^6 bytes.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessMemory {
    /// Which program.
    pub program: &'static str,
    /// After or during what.
    pub phase: &'static str,
    /// Resident at the end.
    pub resident_mb: f64,
    /// The most that was resident meanwhile.
    pub peak_mb: f64,
}

/// The size of a program.
#[derive(Debug, Clone, Serialize)]
pub struct Binary {
    /// Which program.
    pub program: &'static str,
    /// Of its file.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_is_and_has_a_turns_numbers_beside_the_others() {
        let measured = Measured { per_second: 100.0, p50_ms: 1.0, p99_ms: 2.0, processor_us: 10.0 };
        let turn = BesideSessions { store: "Redis", sessions: 1_000, round: 1, measured };
        let line = serde_json::to_value(Finding::GrowthSessions(turn)).unwrap();
        assert_eq!((&line["record"], &line["p99_ms"]), (&"growth_sessions".into(), &2.0.into()));
    }
}
