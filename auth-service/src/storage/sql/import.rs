//! Users from elsewhere, in one transaction.

use common::{
    clock::Timestamp,
    sql::{AnyConnection, DatabaseUrl, SqlError, at_leisure},
};
use diesel::prelude::*;

use super::{audit, schema::users, user_row::UserRow};
use crate::{
    domain::audit::AuditEvent,
    ports::{Insertion, NewAccount, StoreError},
};

/// Stores all of them with what the audit trail says, or none: then it says of which of them, by their place, what is
/// another's.
pub fn import_users(
    url: &DatabaseUrl,
    accounts: &[(NewAccount, AuditEvent)],
    now: Timestamp,
) -> Result<Vec<(usize, Insertion)>, StoreError> {
    let stored = at_leisure(url, |connection| {
        let mut taken = Vec::new();
        for (place, (account, _)) in accounts.iter().enumerate() {
            match possible(connection, account)? {
                Insertion::Done => {}
                reason => taken.push((place, reason)),
            }
        }
        if taken.is_empty() {
            for (account, event) in accounts {
                diesel::insert_into(users::table).values(UserRow::of(account, now)).execute(connection)?;
                audit::insert(connection, event)?;
            }
        }
        Ok(taken)
    });
    Ok(stored?)
}

fn possible(connection: &mut AnyConnection, account: &NewAccount) -> Result<Insertion, SqlError> {
    let of_name = users::table.filter(users::username.eq(account.user.username.as_str()));
    if of_name.count().get_result::<i64>(connection)? > 0 {
        return Ok(Insertion::UsernameTaken);
    }
    let Some(email) = &account.user.email else { return Ok(Insertion::Done) };
    let of_address = users::table.filter(users::email.eq(email.as_str()));
    let taken = of_address.count().get_result::<i64>(connection)? > 0;
    Ok(if taken { Insertion::EmailTaken } else { Insertion::Done })
}
