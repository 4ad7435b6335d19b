//! Users who are gone, in the order in which they went.

use common::{
    clock::Timestamp,
    sql::{AnyConnection, SqlError},
};
use diesel::{dsl::max, prelude::*};

use super::{failure::inconsistent, schema::deleted_users};
use crate::domain::{ids::UserId, user::DeletedUser};

/// Adds one, in the transaction that deletes them. Of two at once the second is tried again after the first.
pub(super) fn push(connection: &mut AnyConnection, user: UserId, now: Timestamp) -> Result<(), SqlError> {
    let last: Option<i64> = deleted_users::table.select(max(deleted_users::id)).first(connection)?;
    let values = (
        deleted_users::id.eq(last.unwrap_or(0) + 1),
        deleted_users::user_id.eq(user.to_string()),
        deleted_users::deleted_at.eq(now.micros()),
    );
    match diesel::insert_into(deleted_users::table).values(values).execute(connection).map_err(SqlError::from) {
        Err(SqlError::Unique(rule)) => Err(SqlError::Conflict(rule)),
        other => other.map(drop),
    }
}

/// Up to `limit` after `after`, or from the start; `None` where `after` is not among them.
pub(super) fn after(
    connection: &mut AnyConnection,
    after: Option<UserId>,
    limit: u32,
) -> Result<Option<Vec<DeletedUser>>, SqlError> {
    let place = match after {
        None => 0,
        Some(user) => {
            let known = deleted_users::table.filter(deleted_users::user_id.eq(user.to_string()));
            let Some(id) = known.select(deleted_users::id).first(connection).optional()? else { return Ok(None) };
            id
        }
    };
    let rows: Vec<(i64, String, i64)> = deleted_users::table
        .filter(deleted_users::id.gt(place))
        .order(deleted_users::id)
        .limit(limit.into())
        .load(connection)?;
    let users = rows.into_iter().map(|(id, user, at)| {
        let user = user.parse().map_err(|_| inconsistent("deleted_users", "user_id", id))?;
        Ok(DeletedUser { id: user, deleted_at: Timestamp::from_micros(at) })
    });
    users.collect::<Result<_, SqlError>>().map(Some)
}
