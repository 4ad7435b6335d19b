//! Users who are gone, in the order in which they went.

use common::{
    clock::Timestamp,
    sql::{AnyConnection, SqlError},
};
use diesel::prelude::*;

use super::{
    failure::inconsistent,
    schema::{deleted_users, deleted_users_count},
};
use crate::domain::{
    ids::UserId,
    user::{DeletedUser, DeletionPlace},
};

/// Adds one, in the transaction that deletes them. Until that ends, nobody else can add anything.
pub(super) fn push(connection: &mut AnyConnection, user: UserId, now: Timestamp) -> Result<(), SqlError> {
    let id: i64 = diesel::update(deleted_users_count::table)
        .set(deleted_users_count::last_id.eq(deleted_users_count::last_id + 1))
        .returning(deleted_users_count::last_id)
        .get_result(connection)?;
    let values = (
        deleted_users::id.eq(id),
        deleted_users::user_id.eq(user.to_string()),
        deleted_users::deleted_at.eq(now.micros()),
    );
    diesel::insert_into(deleted_users::table).values(values).execute(connection)?;
    Ok(())
}

/// Up to `limit` after `after`, or from the start; `None` where somebody else, or nobody, is at that place.
pub(super) fn after(
    connection: &mut AnyConnection,
    after: Option<DeletionPlace>,
    limit: u32,
) -> Result<Option<Vec<DeletedUser>>, SqlError> {
    if let Some(place) = after {
        let there: Option<String> =
            deleted_users::table.find(place.number).select(deleted_users::user_id).first(connection).optional()?;
        if there != Some(place.user.to_string()) {
            return Ok(None);
        }
    }
    let rows: Vec<(i64, String, i64)> = deleted_users::table
        .filter(deleted_users::id.gt(after.map_or(0, |place| place.number)))
        .order(deleted_users::id)
        .limit(limit.into())
        .load(connection)?;
    let users = rows.into_iter().map(|(number, user, at)| {
        let user = user.parse().map_err(|_| inconsistent("deleted_users", "user_id", number))?;
        Ok(DeletedUser { place: DeletionPlace { number, user }, deleted_at: Timestamp::from_micros(at) })
    });
    users.collect::<Result<_, SqlError>>().map(Some)
}
