//! Forgets users who were deleted at auth-service: their notes go.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    deletions::ForgetUsers,
    sql::{AnyConnection, Sql, SqlError},
};
use diesel::prelude::*;
use uuid::Uuid;

use super::schema::{deletions_read, forgotten_users, notes};
use crate::ports::Clock;

/// For so long notes of a forgotten user are looked for: the longest that auth-service lets any token live (30 days),
/// and a day.
const LOOKED_FOR: Duration = Duration::from_hours(31 * 24);

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
}

#[async_trait]
impl ForgetUsers for SqlForgotten {
    async fn cursor(&self) -> Result<Option<Uuid>, Box<dyn Error + Send + Sync>> {
        Ok(self.sql.read(stored_cursor).await?)
    }

    async fn forget(&self, users: &[Uuid], cursor: Option<Uuid>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let users: Vec<String> = users.iter().map(Uuid::to_string).collect();
        if users.is_empty() && !self.sql.read(anything_came_back).await? {
            return Ok(());
        }
        let now = self.clock.now();
        let forgotten = self.sql.write(move |connection| forget(connection, &users, cursor, now)).await?;
        if forgotten > 0 {
            tracing::info!(notes = forgotten, "the notes of deleted users are gone");
        }
        Ok(())
    }
}

fn stored_cursor(connection: &mut AnyConnection) -> Result<Option<Uuid>, SqlError> {
    let stored: Option<String> =
        deletions_read::table.find(ROW).select(deletions_read::cursor).first(connection).optional()?;
    let read = |text: String| text.parse().map_err(|_| SqlError::Inconsistent("deletions_read.cursor".to_owned()));
    stored.map(read).transpose()
}

fn anything_came_back(connection: &mut AnyConnection) -> Result<bool, SqlError> {
    let forgotten = forgotten_users::table.select(forgotten_users::user_id);
    let note = notes::table.select(notes::id).filter(notes::owner_id.eq_any(forgotten)).limit(1);
    Ok(note.first::<String>(connection).optional()?.is_some())
}

/// Returns how many notes there were.
fn forget(
    connection: &mut AnyConnection,
    users: &[String],
    cursor: Option<Uuid>,
    now: Timestamp,
) -> Result<usize, SqlError> {
    let again = forgotten_users::table.filter(forgotten_users::user_id.eq_any(users));
    diesel::delete(again).execute(connection)?;
    for user in users {
        let values = (forgotten_users::user_id.eq(user), forgotten_users::forgotten_at.eq(now.micros()));
        diesel::insert_into(forgotten_users::table).values(values).execute(connection).map_err(overtaken)?;
    }
    let forgotten = forgotten_users::table.select(forgotten_users::user_id);
    let gone = diesel::delete(notes::table.filter(notes::owner_id.eq_any(forgotten))).execute(connection)?;
    let long_ago = forgotten_users::table.filter(forgotten_users::forgotten_at.lt((now - LOOKED_FOR).micros()));
    diesel::delete(long_ago).execute(connection)?;
    if let Some(cursor) = cursor {
        keep_cursor(connection, cursor)?;
    }
    Ok(gone)
}

fn keep_cursor(connection: &mut AnyConnection, cursor: Uuid) -> Result<(), SqlError> {
    let cursor = cursor.to_string();
    let row = deletions_read::table.find(ROW);
    if diesel::update(row).set(deletions_read::cursor.eq(&cursor)).execute(connection)? == 0 {
        let first = (deletions_read::id.eq(ROW), deletions_read::cursor.eq(&cursor));
        diesel::insert_into(deletions_read::table).values(first).execute(connection).map_err(overtaken)?;
    }
    Ok(())
}

/// Another replica has stored the row meanwhile: with a new look at it the statement is another.
fn overtaken(error: diesel::result::Error) -> SqlError {
    match error.into() {
        SqlError::Unique(rule) => SqlError::Conflict(rule),
        other => other,
    }
}
