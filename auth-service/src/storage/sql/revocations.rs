//! The revocation log, where there is no Redis.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{AnyConnection, Sql, SqlError},
};
use diesel::prelude::*;

use super::{
    failure::inconsistent,
    schema::{revocation_log, revocations},
};
use crate::{
    domain::revocation::{Cursor, Revocation, Revoked},
    ports::{LogEntry, LogPage, RevocationLog, StoreError},
};

/// The [`RevocationLog`] in SQL.
#[derive(Clone)]
pub struct SqlRevocations {
    sql: Sql,
    kept: Duration,
}

impl SqlRevocations {
    /// A log whose entries are kept for `kept`: longer than any access token lives.
    #[must_use]
    pub fn new(sql: Sql, kept: Duration) -> Self {
        Self { sql, kept }
    }

    /// Adds to the log, in the transaction that makes it true. Until that ends, nobody else can add anything.
    pub(super) fn write(
        &self,
        connection: &mut AnyConnection,
        revoked: &[Revoked],
        before: Option<i64>,
        now: Timestamp,
    ) -> Result<(), SqlError> {
        let count = i64::try_from(revoked.len()).map_err(|error| SqlError::Other(error.to_string()))?;
        if count == 0 {
            return Ok(());
        }
        let last: i64 = diesel::update(revocation_log::table)
            .set(revocation_log::last_id.eq(revocation_log::last_id + count))
            .returning(revocation_log::last_id)
            .get_result(connection)?;
        for (id, revoked) in (last - count + 1..).zip(revoked) {
            let (kind, name) = revoked.parts();
            let values = (
                revocations::id.eq(id),
                revocations::kind.eq(kind),
                revocations::name.eq(name),
                revocations::before_seconds.eq(before),
                revocations::until_at.eq((now + self.kept).micros()),
            );
            diesel::insert_into(revocations::table).values(values).execute(connection)?;
        }
        Ok(())
    }

    /// Deletes up to `limit` entries that are about no token any more, and returns how many. The newest entry stays: it
    /// is where mirrors are that have heard everything.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let swept = self.sql.write(move |connection| {
            let newest: i64 = revocation_log::table.select(revocation_log::last_id).first(connection)?;
            let over: Vec<i64> = revocations::table
                .select(revocations::id)
                .filter(revocations::until_at.le(now.micros()))
                .filter(revocations::id.ne(newest))
                .order(revocations::until_at)
                .limit(limit.into())
                .load(connection)?;
            Ok(diesel::delete(revocations::table.filter(revocations::id.eq_any(over))).execute(connection)?)
        });
        Ok(swept.await?)
    }
}

type Row = (i64, String, String, Option<i64>, i64);

/// An entry's number, and the end of its name: by the two of them it is found again and not mistaken for another.
fn position(id: i64, name: &str) -> String {
    let letters: String = name.chars().rev().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("{id}-{letters}")
}

fn entry(row: Row) -> Result<LogEntry, SqlError> {
    let (id, kind, name, before, until) = row;
    let position = position(id, &name);
    let revoked = Revoked::from_parts(&kind, name).map_err(|_| inconsistent("revocations", "kind", id))?;
    Ok(LogEntry { position, revocation: Revocation { revoked, before, until: Timestamp::from_micros(until) } })
}

/// The number of the entry that `position` names; 0 for the start of the log, `None` where there is no such entry.
fn number(connection: &mut AnyConnection, named: &str) -> QueryResult<Option<i64>> {
    if named == START {
        return Ok(Some(0));
    }
    let Some(id) = named.split('-').next().and_then(|id| id.parse::<i64>().ok()) else { return Ok(None) };
    let name: Option<String> = revocations::table.find(id).select(revocations::name).first(connection).optional()?;
    Ok(name.filter(|name| position(id, name) == named).map(|_| id))
}

const START: &str = "0";

#[async_trait]
impl RevocationLog for SqlRevocations {
    async fn append(&self, revoked: Vec<Revoked>, before: Option<i64>, now: Timestamp) -> Result<(), StoreError> {
        let log = self.clone();
        Ok(self.sql.write(move |connection| log.write(connection, &revoked, before, now)).await?)
    }

    async fn read(&self, after: Option<&Cursor>, limit: u32) -> Result<LogPage, StoreError> {
        let after = after.cloned();
        let page = self.sql.read(move |connection| {
            let epoch: String = revocation_log::table.select(revocation_log::epoch).first(connection)?;
            let from = match &after {
                None => Some(0),
                Some(cursor) if cursor.epoch == epoch => number(connection, &cursor.position)?,
                Some(_) => None,
            };
            let Some(from) = from else { return Ok(LogPage::UnknownCursor) };
            let rows: Vec<Row> = revocations::table
                .filter(revocations::id.gt(from))
                .order(revocations::id)
                .limit(limit.into())
                .load(connection)?;
            let entries = rows.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
            let start = after.as_ref().map_or_else(|| START.to_owned(), |cursor| cursor.position.clone());
            let position = entries.last().map_or(start, |entry| entry.position.clone());
            Ok(LogPage::Entries { cursor: Cursor { epoch, position }, entries })
        });
        Ok(page.await?)
    }
}
