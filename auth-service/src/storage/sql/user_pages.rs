//! Lists of users, a part at a time.

use common::sql::{AnyConnection, SqlError};
use diesel::prelude::*;

use super::{schema::users, user_row::UserRow};
use crate::domain::{
    ids::UserId,
    name_prefix::NamePrefix,
    user::{Account, User},
};

/// Up to `limit` users after `after`, by id: all of them, or those with a name that begins with `prefix`.
pub(super) fn page(
    connection: &mut AnyConnection,
    prefix: Option<&NamePrefix>,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<User>, SqlError> {
    // Sorts before every id.
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let mut query = users::table.select(UserRow::as_select()).filter(users::id.gt(after)).into_boxed();
    if let Some(prefix) = prefix {
        // Two ranges, which the unique indexes answer. `LIKE` would not use them.
        let (first, behind) = (prefix.first().to_owned(), prefix.behind().to_owned());
        let username = users::username.ge(first.clone()).and(users::username.lt(behind.clone()));
        query = query.filter(username.nullable().or(users::email.ge(first).and(users::email.lt(behind))));
    }
    let rows: Vec<UserRow> = query.order(users::id).limit(limit.into()).load(connection)?;
    rows.into_iter().map(|row| Account::try_from(row).map(|account| account.user)).collect()
}
