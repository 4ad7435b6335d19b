//! The throttle's counters, where there is no Redis.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{AnyBackend, AnyConnection, Sql, SqlError},
};
use diesel::{prelude::*, sql_types::Text};

use super::{failure::inconsistent, schema::throttle_counters};
use crate::{
    domain::throttle::{Counter, Counters, FAILURES_KEPT, KNOWN_FOR, Settlement, Verdict, WINDOW, decide, settle},
    ports::{AttemptKeys, StoreError, ThrottleStore},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = throttle_counters, check_for_backend(AnyBackend))]
struct CounterRow {
    id: String,
    failures: i64,
    since_at: i64,
}

impl TryFrom<CounterRow> for Counter {
    type Error = SqlError;

    fn try_from(row: CounterRow) -> Result<Self, SqlError> {
        let failures = row.failures.try_into().map_err(|_| inconsistent("throttle_counters", "failures", &row.id))?;
        Ok(Self { failures, since: Timestamp::from_micros(row.since_at) })
    }
}

/// The [`ThrottleStore`] in SQL.
#[derive(Clone)]
pub struct SqlThrottle {
    sql: Sql,
}

impl SqlThrottle {
    /// A store in a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }

    /// Deletes up to `limit` counters that count no more at `now`, and returns how many.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let swept = self.sql.write(move |connection| {
            let over: Vec<String> = throttle_counters::table
                .select(throttle_counters::id)
                .filter(throttle_counters::delete_after.le(now.micros()))
                .order(throttle_counters::delete_after)
                .limit(limit.into())
                .load(connection)?;
            // Looked at again: meanwhile one may have been counted on.
            let still_over = throttle_counters::table
                .filter(throttle_counters::id.eq_any(over))
                .filter(throttle_counters::delete_after.le(now.micros()));
            Ok(diesel::delete(still_over).execute(connection)?)
        });
        Ok(swept.await?)
    }
}

#[async_trait]
impl ThrottleStore for SqlThrottle {
    async fn reserve(&self, attempt: &AttemptKeys, now: Timestamp) -> Result<Verdict, StoreError> {
        let (keys, has_address) = (attempt.clone(), attempt.address.is_some());
        // Most attempts of a flood are refused, and that changes nothing: no lock, no transaction.
        let looked_at = self.sql.read(move |connection| {
            let counters = read(connection, &keys)?;
            let (verdict, after) = decide(counters, has_address, now);
            let settled = matches!(verdict, Verdict::Refused { .. }) && counters.pair == after.pair;
            Ok(settled.then_some(verdict))
        });
        if let Some(verdict) = looked_at.await? {
            return Ok(verdict);
        }
        let keys = attempt.clone();
        let reserved = self.sql.write(move |connection| {
            lock(connection, &keys, &[])?;
            let counters = read(connection, &keys)?;
            let (verdict, after) = decide(counters, has_address, now);
            write(connection, &keys, &counters, &after)?;
            Ok(verdict)
        });
        Ok(reserved.await?)
    }

    async fn settle(
        &self,
        attempt: &AttemptKeys,
        settlement: Settlement,
        also_known: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (keys, has_address, others) = (attempt.clone(), attempt.address.is_some(), also_known.to_vec());
        let settled = self.sql.write(move |connection| {
            lock(connection, &keys, &others)?;
            let counters = read(connection, &keys)?;
            let after = settle(counters, settlement, has_address, now);
            write(connection, &keys, &counters, &after)?;
            if settlement == Settlement::Succeeded && has_address {
                others.iter().try_for_each(|key| put(connection, key, after.known, KNOWN_FOR))?;
            }
            Ok(())
        });
        Ok(settled.await?)
    }
}

/// Nobody else reads or writes these counters until the transaction ends. In SQLite nobody writes anything anyway.
fn lock(connection: &mut AnyConnection, keys: &AttemptKeys, others: &[String]) -> Result<(), SqlError> {
    if let AnyConnection::Postgres(postgres) = connection {
        let mut all: Vec<_> = [&keys.account].into_iter().chain(&keys.address).chain(others).collect();
        // In one order, so that no two wait for each other.
        all.sort_unstable();
        all.dedup();
        for key in all {
            diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind::<Text, _>(key)
                .execute(postgres)?;
        }
    }
    Ok(())
}

fn read(connection: &mut AnyConnection, keys: &AttemptKeys) -> Result<Counters, SqlError> {
    let has_address = keys.address.is_some();
    let mut get = |key: &String| -> Result<Option<Counter>, SqlError> {
        let row: Option<CounterRow> =
            throttle_counters::table.find(key).select(CounterRow::as_select()).first(connection).optional()?;
        row.map(Counter::try_from).transpose()
    };
    Ok(Counters {
        pair: get(&keys.pair)?,
        account: get(&keys.account)?,
        address: keys.address.as_ref().map(&mut get).transpose()?.flatten(),
        known: if has_address { get(&keys.known)? } else { None },
    })
}

fn write(
    connection: &mut AnyConnection,
    keys: &AttemptKeys,
    before: &Counters,
    after: &Counters,
) -> Result<(), SqlError> {
    let changes = [
        (Some(&keys.pair), before.pair, after.pair, FAILURES_KEPT),
        (Some(&keys.account), before.account, after.account, WINDOW),
        (keys.address.as_ref(), before.address, after.address, WINDOW),
        (Some(&keys.known), before.known, after.known, KNOWN_FOR),
    ];
    for (key, before, after, kept) in changes {
        if let Some(key) = key
            && before != after
        {
            put(connection, key, after, kept)?;
        }
    }
    Ok(())
}

fn put(connection: &mut AnyConnection, key: &String, counter: Option<Counter>, kept: Duration) -> Result<(), SqlError> {
    let row = throttle_counters::table.find(key);
    let Some(Counter { failures, since }) = counter else {
        diesel::delete(row).execute(connection)?;
        return Ok(());
    };
    let values = (
        throttle_counters::failures.eq(i64::from(failures)),
        throttle_counters::since_at.eq(since.micros()),
        throttle_counters::delete_after.eq((since + kept).micros()),
    );
    if diesel::update(row).set(values).execute(connection)? == 0 {
        diesel::insert_into(throttle_counters::table)
            .values((throttle_counters::id.eq(key), values))
            .execute(connection)?;
    }
    Ok(())
}
