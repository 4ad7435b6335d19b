//! Invitations: stored by an administrator, used up by a registration.

use common::{clock::Timestamp, sql::AnyConnection};
use diesel::prelude::*;

use super::schema::invites;
use crate::domain::{
    ids::UserId,
    invite::{HashedInvite, Invite},
};

pub(super) fn insert(connection: &mut AnyConnection, invite: &Invite) -> QueryResult<()> {
    let values = (
        invites::code.eq(invite.code.as_str()),
        invites::created_at.eq(invite.created_at.micros()),
        invites::expires_at.eq(invite.expires_at.micros()),
    );
    diesel::insert_into(invites::table).values(values).execute(connection).map(drop)
}

/// Deletes up to `limit` invitations that have expired, used or not, and returns how many.
pub(super) fn sweep(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> QueryResult<usize> {
    let expired = invites::table.filter(invites::expires_at.le(now.micros()));
    let codes: Vec<String> = expired.select(invites::code).limit(limit.into()).load(connection)?;
    let mut deleted = 0;
    for code in codes {
        deleted += diesel::delete(invites::table.find(code)).execute(connection)?;
    }
    Ok(deleted)
}

/// Marks an invitation as used. `false` when it does not exist, has expired or was used.
pub(super) fn use_up(
    connection: &mut AnyConnection,
    code: &HashedInvite,
    by: UserId,
    now: Timestamp,
) -> QueryResult<bool> {
    let usable = invites::table
        .filter(invites::code.eq(code.as_str()))
        .filter(invites::used_at.is_null())
        .filter(invites::expires_at.gt(now.micros()));
    let used = (invites::used_at.eq(now.micros()), invites::used_by.eq(by.to_string()));
    Ok(diesel::update(usable).set(used).execute(connection)? == 1)
}
