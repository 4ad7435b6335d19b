//! The outbox: effects that have been committed together with their change, in order, until they have been applied.

use common::{
    clock::Timestamp,
    sql::{AnyBackend, AnyConnection, SqlError},
};
use diesel::prelude::*;

use super::{failure::inconsistent, schema::outbox};
use crate::domain::{
    effect::{Effect, PendingEffect},
    ids::UserId,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox, check_for_backend(AnyBackend))]
struct OutboxRow {
    id: i64,
    user_id: String,
    epoch: i64,
    effect: String,
}

impl TryFrom<OutboxRow> for PendingEffect {
    type Error = SqlError;

    fn try_from(row: OutboxRow) -> Result<Self, SqlError> {
        let wrong = |column| inconsistent("outbox", column, row.id);
        Ok(Self {
            id: row.id,
            user: row.user_id.parse().map_err(|_| wrong("user_id"))?,
            epoch: row.epoch,
            effect: serde_json::from_str(&row.effect).map_err(|_| wrong("effect"))?,
        })
    }
}

/// Adds an effect. Its user's row must be locked by this transaction already, or the order means nothing.
pub(super) fn push(
    connection: &mut AnyConnection,
    user: UserId,
    epoch: i64,
    effect: &Effect,
    now: Timestamp,
) -> Result<PendingEffect, SqlError> {
    let text = serde_json::to_string(effect).map_err(|error| SqlError::Other(error.to_string()))?;
    let values = (
        outbox::user_id.eq(user.to_string()),
        outbox::epoch.eq(epoch),
        outbox::effect.eq(text),
        outbox::created_at.eq(now.micros()),
    );
    let id = diesel::insert_into(outbox::table).values(values).returning(outbox::id).get_result(connection)?;
    Ok(PendingEffect { id, user, epoch, effect: effect.clone() })
}

pub(super) fn oldest(connection: &mut AnyConnection, limit: u32) -> Result<Vec<PendingEffect>, SqlError> {
    let rows: Vec<OutboxRow> =
        outbox::table.select(OutboxRow::as_select()).order(outbox::id).limit(limit.into()).load(connection)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

pub(super) fn of_user(connection: &mut AnyConnection, user: UserId) -> Result<Vec<PendingEffect>, SqlError> {
    let rows: Vec<OutboxRow> = outbox::table
        .select(OutboxRow::as_select())
        .filter(outbox::user_id.eq(user.to_string()))
        .order(outbox::id)
        .load(connection)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

pub(super) fn remove(connection: &mut AnyConnection, id: i64) -> QueryResult<()> {
    diesel::delete(outbox::table.find(id)).execute(connection).map(drop)
}
