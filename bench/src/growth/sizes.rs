//! Refreshes of a thousand sessions beside ever more of others, on every store, and what a session takes there.

use std::fmt::Write;

use super::{
    BCRYPT_COST, CLIENTS, added::Added, empty_redis, listed, redis_store::RedisStore, sql_store::SqlStore, swept,
};
use crate::{
    accounts,
    arguments::{Options, Store},
    contest::{self, Contestant, Measured, WARM_UP},
    failure::Failure,
    finding::{BesideSessions, Finding, RedisRecord, SessionBytes},
    load::Period,
    processors::Processors,
    report::{Output, Spread},
    say,
    sessions::{Refreshing, log_in_many},
    stack::{Plan, Stack, address},
    stop_request::StopRequest,
};

const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Sessions of real logins, which are refreshed.
const REAL: u32 = 1_000;

/// One store, at its largest size.
pub struct Grown<'a> {
    /// What the tables call the store.
    pub title: &'static str,
    /// Sessions in it.
    pub sessions: u32,
    /// Those of them that nobody logged in.
    pub added: u32,
    /// The services on it.
    pub stack: &'a Stack,
    /// Keeps auth-service busy with refreshes.
    pub refreshing: &'a mut Contestant<'static>,
}

/// A line of the table.
struct Line {
    title: &'static str,
    sessions: u32,
    bytes: Option<f64>,
    turns: Vec<Measured>,
}

/// Measures, prints and writes what came out.
pub fn run(options: &Options, output: &mut Output, stop: &StopRequest) -> Result<(), Failure> {
    let processors = Processors::divide()?;
    let stores =
        [("Redis", Store::SessionsAt(empty_redis()?)), ("Postgres", Store::Postgres), ("SQLite", Store::Sqlite)];
    for (title, store) in &stores {
        say::line(format!("Refreshes beside many sessions: {title}"));
        let plan =
            Plan { bcrypt_cost: BCRYPT_COST, alone: Some(&processors), ..Plan::shipped(&options.programs, store) };
        let stack = Stack::start(&plan, stop)?;
        let mut database = SqlStore::open(&stack.auth_database)?;
        database.add_users()?;
        let real = log_in_many(&stack.auth, REAL.min(options.most), accounts::login_of, stop)?;
        let mut refreshing = Contestant {
            name: (*title).to_owned(),
            base: None,
            address: address(&stack.auth)?,
            process: stack.auth_process(),
            turn: contest::closed_loop(Refreshing::share(&real, CLIENTS)),
        };
        let redis = match store {
            Store::SessionsAt(url) => Some(RedisStore::open(url)?),
            _ => None,
        };
        let in_redis = redis.is_some();
        let mut place: Box<dyn Added> = match redis {
            Some(redis) => Box::new(redis),
            None => Box::new(SqlStore::open(&stack.auth_database)?),
        };
        say::line(table(&grow(title, &mut *place, &mut refreshing, options, output, stop)?));
        if let Some(record) = place.record()?.filter(|_| options.most > REAL) {
            say::line(in_words(&record));
            output.finding(&Finding::GrowthRedisRecord(record))?;
        }
        let sessions = sizes(options.most).last().unwrap_or(REAL);
        let added = sessions.saturating_sub(REAL);
        let mut grown = Grown { title, sessions, added, stack: &stack, refreshing: &mut refreshing };
        say::line(listed::table(&listed::measure(&grown, options, output, stop)?));
        if !in_redis && added > 0 {
            say::line(swept::table(&swept::measure(&mut grown, &mut database, options, output, stop)?));
        }
    }
    Ok(())
}

/// All sizes of one store.
fn grow(
    title: &'static str,
    place: &mut dyn Added,
    refreshing: &mut Contestant,
    options: &Options,
    output: &mut Output,
    stop: &StopRequest,
) -> Result<Vec<Line>, Failure> {
    let (small, mut added, mut lines) = (place.bytes()?, 0, Vec::new());
    for sessions in sizes(options.most) {
        place.add(added..sessions.saturating_sub(REAL))?;
        added = sessions.saturating_sub(REAL);
        let bytes = bytes_of_one(small, place.bytes()?, added);
        if let Some(bytes) = bytes {
            output.finding(&Finding::GrowthBytes(SessionBytes { store: title, sessions, bytes }))?;
        }
        let period = Period { warm_up: WARM_UP, measured: options.phase };
        let mut turns = Vec::new();
        for round in 1..=options.rounds {
            let measured = contest::take_turn(refreshing, period, stop)?;
            output.finding(&Finding::GrowthSessions(BesideSessions { store: title, sessions, round, measured }))?;
            turns.push(measured);
        }
        say::line(format!("{sessions} sessions are measured"));
        lines.push(Line { title, sessions, bytes, turns });
    }
    Ok(lines)
}

fn sizes(most: u32) -> impl Iterator<Item = u32> {
    SIZES.into_iter().filter(move |size| *size <= most)
}

#[expect(clippy::cast_precision_loss, reason = "no store has 2^52 bytes")]
fn bytes_of_one(small: u64, grown: u64, added: u32) -> Option<f64> {
    (added > 0).then(|| grown.saturating_sub(small) as f64 / f64::from(added))
}

fn in_words(record: &RedisRecord) -> String {
    let RedisRecord { content_bytes, name_bytes, key_bytes, encoding, .. } = record;
    format!(
        "A session in Redis: {content_bytes} bytes of names and values, {name_bytes} of them names; a key of {key_bytes}; \
         as {encoding} {} bytes in all; in the index of its user {:.0} bytes",
        record.record_memory_bytes,
        per_session(record),
    )
}

#[expect(clippy::cast_precision_loss, reason = "no index has 2^52 bytes")]
fn per_session(record: &RedisRecord) -> f64 {
    record.index_memory_bytes as f64 / f64::from(record.index_sessions)
}

fn table(lines: &[Line]) -> String {
    let mut text =
        "\nrefreshes beside many sessions\n\n| store | sessions | refreshes/s | p50 ms | p99 ms | processor µs a \
                    refresh | bytes a session |\n|---|---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for Line { title, sessions, bytes, turns } in lines {
        let of = |number: fn(&Measured) -> f64| Spread::of(turns.iter().map(number));
        let bytes = bytes.map_or_else(String::new, |bytes| format!("{bytes:.0}"));
        _ = writeln!(
            text,
            "| {title} | {sessions} | {:.0} | {} | {} | {} | {bytes} |",
            of(|it| it.per_second),
            of(|it| it.p50_ms),
            of(|it| it.p99_ms),
            of(|it| it.processor_us),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_run_ends_with_the_largest_size_that_is_allowed() {
        assert_eq!(sizes(10_000).collect::<Vec<_>>(), [1_000, 10_000]);
        assert_eq!(sizes(1_000_000).count(), 4);
    }

    #[test]
    fn a_session_takes_what_was_added_divided_by_the_number_added() {
        assert_eq!(bytes_of_one(1_000, 5_000, 0), None);
        assert_eq!(bytes_of_one(1_000, 5_000, 10), Some(400.0));
    }

    #[test]
    fn a_line_has_the_medians_of_its_turns() {
        let turn = |per_second| Measured { per_second, p50_ms: 1.0, p99_ms: 2.0, processor_us: 10.0 };
        let turns = vec![turn(100.0), turn(300.0), turn(200.0)];
        let text = table(&[Line { title: "Redis", sessions: 1_000, bytes: Some(400.4), turns }]);
        assert!(text.ends_with("| Redis | 1000 | 200 (100..300) | 1.00 (1.00..1.00) | 2.00 (2.00..2.00) | 10.00 (10.00..10.00) | 400 |\n"), "{text}");
    }
}
