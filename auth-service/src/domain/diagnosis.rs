//! What is good about an installation and what is not, from what was found out about it. Each fault comes with its remedy.

use std::time::Duration;

use common::{clock::Timestamp, verifier::LEEWAY};
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// It works, and could be better.
    Note,
    /// It cannot be reached now. Trying again may help.
    Away,
    /// It does harm, or will. A person has to mend it.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn good(subject: &'static str, found: impl Into<String>) -> Self {
        Self { level: Level::Good, subject, found: found.into(), remedy: None }
    }

    /// Not as it should be.
    pub fn bad(level: Level, subject: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level, subject, found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// The version of a server, as far as it matters.
pub type Version = (u32, u32);

/// What a server of Redis says of itself.
#[derive(Debug, Clone)]
pub struct RedisFacts {
    /// Major and minor.
    pub version: Version,
    /// Whether it copies another server.
    pub is_replica: bool,
    /// Whether it writes a log of all writes to its disk.
    pub appends: bool,
    /// `appendfsync`, where it may be asked for.
    pub fsync: Option<String>,
    /// Whether its last write to the disk was successful.
    pub writes: bool,
    /// `maxmemory-policy`
    pub eviction: String,
    /// Its time.
    pub time: Timestamp,
}

/// The subject of what is said of Redis.
pub const REDIS: &str = "redis";

/// The oldest Redis that Latchkey is tested with, and the first with `WAITAOF`.
const OLDEST_REDIS: Version = (7, 0);
const WAITING_REDIS: Version = (7, 2);

/// What is to be said of a server of Redis at `now`.
#[must_use]
pub fn of_redis(facts: &RedisFacts, now: Timestamp) -> Vec<Finding> {
    let (major, minor) = facts.version;
    let version = format!("version {major}.{minor}");
    let mut findings = vec![if facts.version < OLDEST_REDIS {
        Finding::bad(Level::Wrong, REDIS, version, "Use Redis 7.0 or later; 7.2 or later is better.")
    } else if facts.version < WAITING_REDIS {
        let found = format!("{version}: revocations cannot wait for its disk");
        Finding::bad(
            Level::Note,
            REDIS,
            found,
            "Use Redis 7.2 or later: a logout is then on the disk when it is answered.",
        )
    } else {
        Finding::good(REDIS, version)
    }];
    if facts.is_replica {
        findings.push(Finding::bad(
            Level::Wrong,
            REDIS,
            "it is a replica and takes no writes",
            "Name the primary in REDIS_URL, or let sentinels name it (redis+sentinel://…).",
        ));
    }
    findings.push(persistence(facts));
    findings.push(if facts.eviction == "noeviction" {
        Finding::good(REDIS, "evicts nothing")
    } else {
        Finding::bad(
            Level::Wrong,
            REDIS,
            format!("maxmemory-policy is {}: when memory is short it logs users out", facts.eviction),
            "Set `maxmemory-policy noeviction` in redis.conf, and CONFIG SET it on the running server.",
        )
    });
    findings.push(of_clock(REDIS, facts.time, now));
    findings
}

fn persistence(facts: &RedisFacts) -> Finding {
    if !facts.appends {
        return Finding::bad(
            Level::Wrong,
            REDIS,
            "appendonly is off: a restart logs everybody out",
            "Set `appendonly yes` and `appendfsync everysec` in redis.conf, and CONFIG SET both on the running server.",
        );
    }
    if !facts.writes {
        return Finding::bad(
            Level::Wrong,
            REDIS,
            "its last write to the disk failed",
            "Look at its log and its disk: it may be full.",
        );
    }
    match facts.fsync.as_deref() {
        Some("no") => Finding::bad(
            Level::Wrong,
            REDIS,
            "appendfsync is no: a failure of the power loses logins, and revocations wait in vain",
            "Set `appendfsync everysec` in redis.conf, and CONFIG SET it on the running server.",
        ),
        Some(fsync) => Finding::good(REDIS, format!("appends to its disk ({fsync})")),
        None => Finding::good(REDIS, "appends to its disk"),
    }
}

/// What a database says of itself.
#[derive(Debug, Clone)]
pub struct DatabaseFacts {
    /// `None` for SQLite, which comes with the program.
    pub postgres: Option<PostgresFacts>,
}

/// What a server of Postgres says of itself.
#[derive(Debug, Clone)]
pub struct PostgresFacts {
    /// Major and minor.
    pub version: Version,
    /// Its time.
    pub time: Timestamp,
    /// Whether it takes no writes.
    pub is_read_only: bool,
}

/// The subject of what is said of the database.
pub const DATABASE: &str = "database";

/// The oldest Postgres that Latchkey is tested with.
const OLDEST_POSTGRES: Version = (15, 0);

/// What is to be said of a database at `now`.
#[must_use]
pub fn of_database(facts: &DatabaseFacts, now: Timestamp) -> Vec<Finding> {
    let Some(postgres) = &facts.postgres else { return vec![Finding::good(DATABASE, "SQLite")] };
    let (major, minor) = postgres.version;
    let version = format!("Postgres {major}.{minor}");
    let mut findings = vec![if postgres.version < OLDEST_POSTGRES {
        Finding::bad(Level::Note, DATABASE, version, "Latchkey is tested with Postgres 15 and later.")
    } else {
        Finding::good(DATABASE, version)
    }];
    if postgres.is_read_only {
        findings.push(Finding::bad(
            Level::Wrong,
            DATABASE,
            "it takes no writes",
            "Name the primary in AUTH_DATABASE_URL (`target_session_attrs=read-write` finds it among several).",
        ));
    }
    findings.push(of_clock(DATABASE, postgres.time, now));
    findings
}

/// A difference that tokens do not forgive.
fn of_clock(subject: &'static str, theirs: Timestamp, ours: Timestamp) -> Finding {
    let apart = Duration::from_micros(theirs.micros().abs_diff(ours.micros()));
    if apart <= LEEWAY {
        return Finding::good(subject, "its clock agrees with this machine's");
    }
    let seconds = apart.as_secs();
    Finding::bad(
        Level::Wrong,
        subject,
        format!("its clock and this machine's are {seconds} s apart"),
        format!("Have all machines keep time (chrony, systemd-timesyncd): tokens forgive {} s.", LEEWAY.as_secs()),
    )
}

/// The worst of them.
#[must_use]
pub fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn redis() -> RedisFacts {
        RedisFacts {
            version: (8, 0),
            is_replica: false,
            appends: true,
            fsync: Some("everysec".to_owned()),
            writes: true,
            eviction: "noeviction".to_owned(),
            time: NOW,
        }
    }

    fn levels(findings: &[Finding]) -> Vec<Level> {
        assert!(findings.iter().all(|finding| finding.remedy.is_some() == (finding.level > Level::Good)));
        findings.iter().map(|finding| finding.level).filter(|level| *level > Level::Good).collect()
    }

    #[test]
    fn each_fault_of_redis_is_told_alone() {
        let cases = [
            (redis(), vec![]),
            (RedisFacts { fsync: None, ..redis() }, vec![]),
            (RedisFacts { time: NOW + LEEWAY, ..redis() }, vec![]),
            (RedisFacts { version: (7, 0), ..redis() }, vec![Level::Note]),
            (RedisFacts { version: (6, 2), ..redis() }, vec![Level::Wrong]),
            (RedisFacts { is_replica: true, ..redis() }, vec![Level::Wrong]),
            (RedisFacts { appends: false, ..redis() }, vec![Level::Wrong]),
            (RedisFacts { writes: false, ..redis() }, vec![Level::Wrong]),
            (RedisFacts { fsync: Some("no".to_owned()), ..redis() }, vec![Level::Wrong]),
            (RedisFacts { eviction: "allkeys-lru".to_owned(), ..redis() }, vec![Level::Wrong]),
            (RedisFacts { time: NOW - Duration::from_secs(6), ..redis() }, vec![Level::Wrong]),
        ];
        for (facts, expected) in cases {
            assert_eq!(levels(&of_redis(&facts, NOW)), expected, "{facts:?}");
        }
    }

    #[test]
    fn each_fault_of_postgres_is_told_alone() {
        let postgres = PostgresFacts { version: (18, 0), time: NOW, is_read_only: false };
        let cases = [
            (postgres.clone(), vec![]),
            (PostgresFacts { version: (14, 9), ..postgres.clone() }, vec![Level::Note]),
            (PostgresFacts { is_read_only: true, ..postgres.clone() }, vec![Level::Wrong]),
            (PostgresFacts { time: NOW + Duration::from_secs(6), ..postgres }, vec![Level::Wrong]),
        ];
        for (postgres, expected) in cases {
            let facts = DatabaseFacts { postgres: Some(postgres) };
            assert_eq!(levels(&of_database(&facts, NOW)), expected, "{facts:?}");
        }
        assert_eq!(levels(&of_database(&DatabaseFacts { postgres: None }, NOW)), []);
    }

    #[test]
    fn the_worst_counts() {
        let of = |level| Finding::bad(level, REDIS, "", "");
        assert_eq!(worst(&[]), Level::Good);
        assert_eq!(worst(&[of(Level::Wrong), of(Level::Away), of(Level::Note)]), Level::Wrong);
    }
}
