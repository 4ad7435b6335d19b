//! Forgets users who were deleted at auth-service: their notes go, they make no new ones, and nothing is shown to them.
//!
//! A user is marked, together with the cursor, in one short transaction; then the notes go in batches, however many there
//! are. A note that was under way while its owner was marked may still be stored, so for a while it is looked again.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    deletions::ForgetUsers,
    sql::{AnyConnection, Sql, SqlError},
};
use diesel::prelude::*;
use uuid::Uuid;

use super::schema::{deletions_read, forgotten_users, note_shares, notes};
use crate::ports::Clock;

/// For so long no note is taken from a forgotten user: the longest that auth-service lets any token live (30 days), and a
/// day.
const MARKED_FOR: Duration = Duration::from_hours(31 * 24);

/// Far longer than a note is under way.
const LOOKED_FOR: Duration = Duration::from_mins(10);

/// Users looked for at a time, and notes deleted in one transaction.
const BATCH: i64 = 100;

/// The one row of `deletions_read`.
const ROW: i64 = 1;

/// What this service keeps of its users, in SQL.
#[derive(Clone)]
pub struct SqlForgotten {
    sql: Sql,
    clock: Arc<dyn Clock>,
}

impl SqlForgotten {
    /// In a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql, clock: Arc<dyn Clock>) -> Self {
        Self { sql, clock }
    }

    /// Deletes the notes of all who are marked and not settled, and settles those who have been marked for long enough.
    async fn settle(&self) -> Result<(), SqlError> {
        let now = self.clock.now();
        let mut after = String::new();
        loop {
            let from = after.clone();
            let users = self.sql.read(move |connection| unsettled(connection, &from)).await?;
            let Some((last, _)) = users.last() else { return Ok(()) };
            after.clone_from(last);
            let names: Arc<[String]> = users.iter().map(|(user, _)| user.clone()).collect();
            self.show_nothing_to(Arc::clone(&names)).await?;
            while self.delete_some(Arc::clone(&names)).await? {}
            let long_ago = (now - LOOKED_FOR).micros();
            let settled: Vec<String> =
                users.into_iter().filter(|(_, at)| *at < long_ago).map(|(user, _)| user).collect();
            if !settled.is_empty() {
                self.sql.write(move |connection| settle(connection, &settled, now)).await?;
            }
        }
    }

    /// Nobody reads under these names any more.
    async fn show_nothing_to(&self, readers: Arc<[String]>) -> Result<(), SqlError> {
        loop {
            let readers = readers.to_vec();
            let some = self.sql.read(move |connection| {
                let of_readers = note_shares::table.filter(note_shares::user_id.eq_any(&readers));
                let keys = of_readers.select((note_shares::user_id, note_shares::note_id)).limit(BATCH);
                Ok(keys.load::<(String, String)>(connection)?)
            });
            let some = some.await?;
            if some.is_empty() {
                return Ok(());
            }
            let deleted = self.sql.write(move |connection| {
                for (user, note) in &some {
                    diesel::delete(note_shares::table.find((user, note))).execute(connection)?;
                }
                Ok(())
            });
            deleted.await?;
        }
    }

    /// Whether there may be more.
    async fn delete_some(&self, owners: Arc<[String]>) -> Result<bool, SqlError> {
        let left = self.sql.read(move |connection| some_notes(connection, &owners)).await?;
        let Some((owner, ids)) = left else { return Ok(false) };
        let deleted = self.sql.write(move |connection| {
            let notes = notes::table.filter(notes::owner_id.eq(&owner)).filter(notes::id.eq_any(&ids));
            Ok(diesel::delete(notes).execute(connection)?)
        });
        let deleted = deleted.await?;
        tracing::info!(notes = deleted, "notes of a deleted user are gone");
        Ok(true)
    }

    async fn drop_old_marks(&self) -> Result<(), SqlError> {
        let long_ago = (self.clock.now() - MARKED_FOR).micros();
        let old = move || forgotten_users::table.filter(forgotten_users::forgotten_at.lt(long_ago));
        let oldest = move |connection: &mut AnyConnection| {
            Ok(old().select(forgotten_users::user_id).first::<String>(connection).optional()?)
        };
        if self.sql.read(oldest).await?.is_some() {
            self.sql.write(move |connection| Ok(diesel::delete(old()).execute(connection)?)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl ForgetUsers for SqlForgotten {
    async fn cursor(&self) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        let stored = self.sql.read(|connection| {
            Ok(deletions_read::table.find(ROW).select(deletions_read::cursor).first(connection).optional()?)
        });
        Ok(stored.await?)
    }

    async fn forget(&self, users: &[Uuid], cursor: Option<&str>) -> Result<(), Box<dyn Error + Send + Sync>> {
        if let Some(cursor) = cursor.filter(|_| !users.is_empty()) {
            let (users, cursor) = (users.iter().map(Uuid::to_string).collect::<Vec<_>>(), cursor.to_owned());
            let now = self.clock.now();
            self.sql.write(move |connection| mark(connection, &users, &cursor, now)).await?;
        }
        self.settle().await?;
        Ok(self.drop_old_marks().await?)
    }

    async fn begin_again(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let begun = self.sql.write(|connection| {
            diesel::delete(forgotten_users::table).execute(connection)?;
            Ok(diesel::delete(deletions_read::table).execute(connection).map(drop)?)
        });
        Ok(begun.await?)
    }
}

/// Whether nothing may be stored of this user.
pub(super) fn is_forgotten(connection: &mut AnyConnection, user: Uuid) -> QueryResult<bool> {
    let mark = forgotten_users::table.find(user.to_string()).select(forgotten_users::forgotten_at);
    Ok(mark.first::<i64>(connection).optional()?.is_some())
}

fn mark(connection: &mut AnyConnection, users: &[String], cursor: &str, now: Timestamp) -> Result<(), SqlError> {
    let again = forgotten_users::table.filter(forgotten_users::user_id.eq_any(users));
    diesel::delete(again).execute(connection)?;
    for user in users {
        let values = (forgotten_users::user_id.eq(user), forgotten_users::forgotten_at.eq(now.micros()));
        diesel::insert_into(forgotten_users::table).values(values).execute(connection).map_err(overtaken)?;
    }
    let row = deletions_read::table.find(ROW);
    if diesel::update(row).set(deletions_read::cursor.eq(cursor)).execute(connection)? == 0 {
        let first = (deletions_read::id.eq(ROW), deletions_read::cursor.eq(cursor));
        diesel::insert_into(deletions_read::table).values(first).execute(connection).map_err(overtaken)?;
    }
    Ok(())
}

/// Some users who are marked and not settled, after `after`, and since when.
fn unsettled(connection: &mut AnyConnection, after: &str) -> Result<Vec<(String, i64)>, SqlError> {
    Ok(forgotten_users::table
        .filter(forgotten_users::settled_at.is_null())
        .filter(forgotten_users::user_id.gt(after))
        .order(forgotten_users::user_id)
        .select((forgotten_users::user_id, forgotten_users::forgotten_at))
        .limit(BATCH)
        .load(connection)?)
}

fn settle(connection: &mut AnyConnection, users: &[String], now: Timestamp) -> Result<(), SqlError> {
    let settled = forgotten_users::table.filter(forgotten_users::user_id.eq_any(users));
    let at = forgotten_users::settled_at.eq(now.micros());
    Ok(diesel::update(settled).set(at).execute(connection).map(drop)?)
}

/// Some notes of one of them.
fn some_notes(connection: &mut AnyConnection, owners: &[String]) -> Result<Option<(String, Vec<String>)>, SqlError> {
    let of_anybody = notes::table.select(notes::owner_id).filter(notes::owner_id.eq_any(owners)).order(notes::owner_id);
    let Some(owner) = of_anybody.first::<String>(connection).optional()? else { return Ok(None) };
    let ids = notes::table.select(notes::id).filter(notes::owner_id.eq(&owner)).limit(BATCH).load(connection)?;
    Ok(Some((owner, ids)))
}

/// Another replica has stored the row meanwhile: with a new look at it the statement is another.
fn overtaken(error: diesel::result::Error) -> SqlError {
    match error.into() {
        SqlError::Unique(rule) => SqlError::Conflict(rule),
        other => other,
    }
}
