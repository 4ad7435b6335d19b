//! Announcements: what was revoked in this database by whoever cannot reach the revocation log, until it is there.

use async_trait::async_trait;
use common::sql::{AnyConnection, Sql, SqlError};
use diesel::prelude::*;

use super::{failure::inconsistent, schema::announcements};
use crate::{
    domain::revocation::Revoked,
    ports::{Announcement, Announcements, StoreError},
};

/// The [`Announcements`] in SQL.
#[derive(Clone)]
pub struct SqlAnnouncements {
    sql: Sql,
}

impl SqlAnnouncements {
    /// Those of a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}

/// Adds one, in the transaction that makes it true.
pub(super) fn push(connection: &mut AnyConnection, revoked: &Revoked, before: Option<i64>) -> QueryResult<()> {
    let (kind, name) = revoked.parts();
    let values = (announcements::kind.eq(kind), announcements::name.eq(name), announcements::before_seconds.eq(before));
    diesel::insert_into(announcements::table).values(values).execute(connection).map(drop)
}

type Row = (i64, String, String, Option<i64>);

fn announcement((id, kind, name, before): Row) -> Result<Announcement, SqlError> {
    let revoked = Revoked::from_parts(&kind, name).map_err(|_| inconsistent("announcements", "kind", id))?;
    Ok(Announcement { id, revoked, before })
}

#[async_trait]
impl Announcements for SqlAnnouncements {
    async fn pending(&self, limit: u32) -> Result<Vec<Announcement>, StoreError> {
        let pending = self.sql.read(move |connection| {
            let rows: Vec<Row> = announcements::table.order(announcements::id).limit(limit.into()).load(connection)?;
            rows.into_iter().map(announcement).collect()
        });
        Ok(pending.await?)
    }

    async fn announced(&self, id: i64) -> Result<(), StoreError> {
        let removed = self.sql.write_repeatable(move |connection| {
            Ok(diesel::delete(announcements::table.find(id)).execute(connection).map(drop)?)
        });
        Ok(removed.await?)
    }
}
