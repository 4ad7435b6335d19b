//! The newest change to a user that the session store has heard of.
//!
//! The row is also what creating a session and ending all of them meet at: whoever comes second sees what the first did.

use std::ops::Range;

use common::{
    clock::Timestamp,
    sql::{AnyConnection, SqlError},
};
use diesel::{
    dsl::{exists, not},
    prelude::*,
};

use super::schema::{deleted_users, session_epochs, sessions};
use crate::domain::ids::UserId;

/// Whether a session may be created under `epoch`. If so, no newer one can be stored until the transaction ends.
pub(super) fn admit(connection: &mut AnyConnection, user: UserId, epoch: i64) -> Result<bool, SqlError> {
    let not_newer = session_epochs::table.find(user.to_string()).filter(session_epochs::epoch.le(epoch));
    // Changes nothing, and locks the row where there is no `FOR UPDATE`.
    let locked = diesel::update(not_newer).set(session_epochs::epoch.eq(session_epochs::epoch)).execute(connection)?;
    if locked == 1 {
        return Ok(true);
    }
    if let Some(stored) = stored(connection, user)? {
        return if stored > epoch { Ok(false) } else { Err(overtaken()) };
    }
    insert(connection, user, 0)?;
    Ok(true)
}

/// Raises the user's epoch to at least `epoch`.
pub(super) fn raise(connection: &mut AnyConnection, user: UserId, epoch: i64) -> Result<(), SqlError> {
    let older = session_epochs::table.find(user.to_string()).filter(session_epochs::epoch.lt(epoch));
    if diesel::update(older).set(session_epochs::epoch.eq(epoch)).execute(connection)? == 1 {
        return Ok(());
    }
    match stored(connection, user)? {
        Some(stored) if stored >= epoch => Ok(()),
        Some(_) => Err(overtaken()),
        None => insert(connection, user, epoch),
    }
}

/// Deletes up to `limit` epochs of users who were deleted within `gone` and have no session left, and returns how many. A
/// login that had read such a user before must have ended by now: without the row it would get its session.
pub(super) fn sweep(connection: &mut AnyConnection, gone: &Range<Timestamp>, limit: u32) -> QueryResult<usize> {
    let gone = deleted_users::table
        .select(deleted_users::user_id)
        .filter(deleted_users::deleted_at.ge(gone.start.micros()))
        .filter(deleted_users::deleted_at.lt(gone.end.micros()));
    let over: Vec<String> = session_epochs::table
        .select(session_epochs::user_id)
        .filter(session_epochs::user_id.eq_any(gone))
        .filter(not(exists(sessions::table.filter(sessions::user_id.eq(session_epochs::user_id)))))
        .limit(limit.into())
        .load(connection)?;
    diesel::delete(session_epochs::table.filter(session_epochs::user_id.eq_any(over))).execute(connection)
}

fn stored(connection: &mut AnyConnection, user: UserId) -> QueryResult<Option<i64>> {
    session_epochs::table.find(user.to_string()).select(session_epochs::epoch).first(connection).optional()
}

fn insert(connection: &mut AnyConnection, user: UserId, epoch: i64) -> Result<(), SqlError> {
    let values = (session_epochs::user_id.eq(user.to_string()), session_epochs::epoch.eq(epoch));
    match diesel::insert_into(session_epochs::table).values(values).execute(connection).map_err(SqlError::from) {
        Err(SqlError::Unique(_)) => Err(overtaken()),
        other => other.map(drop),
    }
}

/// Another transaction has stored the row meanwhile: with a new look at it the answer may be another.
fn overtaken() -> SqlError {
    SqlError::Conflict("two transactions on the epoch of one user".to_owned())
}
