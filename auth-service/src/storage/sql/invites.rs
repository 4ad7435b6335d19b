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
