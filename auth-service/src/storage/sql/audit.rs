//! The audit trail in SQL: rows that are added, read and forgotten, and never changed but for the address.

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{AnyBackend, AnyConnection, Sql, SqlError},
};
use diesel::prelude::*;

use super::{failure::inconsistent, schema::audit_events};
use crate::{
    domain::audit::{Actor, AuditEvent, AuditFilter},
    ports::{AuditStore, StoreError},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events, check_for_backend(AnyBackend))]
struct AuditRow {
    id: String,
    at: i64,
    kind: String,
    actor: String,
    subject_id: Option<String>,
    session_id: Option<String>,
    client_id: Option<String>,
    address: Option<String>,
    detail: String,
}

impl TryFrom<&AuditEvent> for AuditRow {
    type Error = SqlError;

    fn try_from(event: &AuditEvent) -> Result<Self, SqlError> {
        Ok(Self {
            id: event.id.to_string(),
            at: event.at.micros(),
            kind: event.kind.to_string(),
            actor: event.actor.to_string(),
            subject_id: event.subject.map(|user| user.to_string()),
            session_id: event.session.map(|session| session.to_string()),
            client_id: event.client.clone(),
            address: event.address.map(|address| address.to_string()),
            detail: serde_json::to_string(&event.detail).map_err(|error| SqlError::Other(error.to_string()))?,
        })
    }
}

impl TryFrom<AuditRow> for AuditEvent {
    type Error = SqlError;

    fn try_from(row: AuditRow) -> Result<Self, SqlError> {
        let wrong = |column| inconsistent("audit_events", column, &row.id);
        let id = row.id.parse().map_err(|_| wrong("id"))?;
        Ok(Self {
            id,
            at: Timestamp::from_micros(row.at),
            kind: row.kind.parse().map_err(|_| wrong("kind"))?,
            actor: row.actor.parse().map_err(|_| wrong("actor"))?,
            subject: row.subject_id.as_deref().map(str::parse).transpose().map_err(|_| wrong("subject_id"))?,
            session: row.session_id.as_deref().map(str::parse).transpose().map_err(|_| wrong("session_id"))?,
            address: row.address.as_deref().map(str::parse).transpose().map_err(|_| wrong("address"))?,
            detail: serde_json::from_str(&row.detail).map_err(|_| wrong("detail"))?,
            client: row.client_id,
        })
    }
}

/// Adds an event within the caller's transaction.
pub(super) fn insert(connection: &mut AnyConnection, event: &AuditEvent) -> Result<(), SqlError> {
    let row = AuditRow::try_from(event)?;
    Ok(diesel::insert_into(audit_events::table).values(row).execute(connection).map(drop)?)
}

/// The [`AuditStore`] in SQL.
#[derive(Clone)]
pub struct SqlAudit {
    sql: Sql,
}

impl SqlAudit {
    /// A store in a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }

    /// Deletes up to `limit` events from before `before`, the oldest first, and returns how many.
    pub async fn forget(&self, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let forgotten = self.sql.write(move |connection| {
            let old: Vec<String> = audit_events::table
                .select(audit_events::id)
                .filter(audit_events::at.lt(before.micros()))
                .order(audit_events::at)
                .limit(limit.into())
                .load(connection)?;
            old.iter()
                .try_fold(0, |count, id| Ok(count + diesel::delete(audit_events::table.find(id)).execute(connection)?))
        });
        Ok(forgotten.await?)
    }

    /// Erases the addresses of up to `limit` events from before `before`, the oldest first, and returns how many.
    pub async fn erase_addresses(&self, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let erased = self.sql.write(move |connection| {
            let old: Vec<String> = audit_events::table
                .select(audit_events::id)
                .filter(audit_events::at.lt(before.micros()))
                .filter(audit_events::address.is_not_null())
                .order(audit_events::at)
                .limit(limit.into())
                .load(connection)?;
            old.iter().try_fold(0, |count, id| {
                let erased = audit_events::address.eq(None::<String>);
                Ok(count + diesel::update(audit_events::table.find(id)).set(erased).execute(connection)?)
            })
        });
        Ok(erased.await?)
    }

    async fn append_all(&self, events: Vec<AuditEvent>) -> Result<(), SqlError> {
        let written = self.sql.write(move |connection| events.iter().try_for_each(|event| insert(connection, event)));
        written.await
    }
}

#[async_trait]
impl AuditStore for SqlAudit {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        match self.append_all(events.to_vec()).await {
            // An attempt before was carried out although it seemed to fail; or it was, but for some.
            Err(SqlError::Unique(_)) => {}
            other => return Ok(other?),
        }
        for event in events {
            match self.append_all(vec![event.clone()]).await {
                Ok(()) | Err(SqlError::Unique(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn find(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        let filter = filter.clone();
        let found = self.sql.read(move |connection| {
            let mut query =
                audit_events::table.select(AuditRow::as_select()).order(audit_events::id.desc()).into_boxed();
            if let Some(user) = filter.user {
                let by_themselves = audit_events::actor.eq(Actor::User(user).to_string());
                query = query.filter(audit_events::subject_id.eq(user.to_string()).or(by_themselves.nullable()));
            }
            if let Some(kind) = filter.kind {
                query = query.filter(audit_events::kind.eq(kind.as_str()));
            }
            if let Some(since) = filter.since {
                query = query.filter(audit_events::at.ge(since.micros()));
            }
            if let Some(until) = filter.until {
                query = query.filter(audit_events::at.lt(until.micros()));
            }
            if let Some(after) = filter.after {
                query = query.filter(audit_events::id.lt(after.to_string()));
            }
            let rows: Vec<AuditRow> = query.limit(limit.into()).load(connection)?;
            rows.into_iter().map(TryInto::try_into).collect()
        });
        Ok(found.await?)
    }
}
