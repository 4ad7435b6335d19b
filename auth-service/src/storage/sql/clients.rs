//! Clients, in the database of the users.

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{AnyConnection, Sql, SqlError},
};
use diesel::prelude::*;

use super::{
    announcements, assertions, audit,
    client_row::{ClientColumns, ClientRow},
    schema::clients,
};
use crate::{
    domain::{
        audit::AuditEvent,
        client::{Client, ClientChange, ClientId},
        client_secret::HashedSecret,
        revocation::Revoked,
    },
    ports::{ClientStore, StoreError},
};

/// The [`ClientStore`] in SQL.
#[derive(Clone)]
pub struct SqlClients {
    sql: Sql,
}

impl SqlClients {
    /// A store in a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }

    /// Forgets up to `limit` assertions that would not be taken any more anyway, and returns how many.
    pub async fn sweep_assertions(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let swept = self.sql.write(move |connection| Ok(assertions::sweep(connection, now, limit)?));
        Ok(swept.await?)
    }
}

/// All tokens of a client that there are at `now`, those of this second too.
fn revoke_tokens(connection: &mut AnyConnection, id: &ClientId, now: Timestamp) -> QueryResult<()> {
    announcements::push(connection, &Revoked::Client(id.clone()), Some(now.seconds() + 1))
}

#[async_trait]
impl ClientStore for SqlClients {
    async fn insert(&self, client: &Client, audit: &AuditEvent, now: Timestamp) -> Result<bool, StoreError> {
        let (client, event) = (client.clone(), audit.clone());
        let inserted = self.sql.write(move |connection| {
            diesel::insert_into(clients::table).values(ClientRow::of(&client, now)?).execute(connection)?;
            audit::insert(connection, &event)
        });
        match inserted.await {
            Ok(()) => Ok(true),
            Err(SqlError::Unique(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn find(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let id = id.to_string();
        let found = self.sql.read(move |connection| {
            let row = clients::table.find(&id).select(ClientRow::as_select()).first(connection);
            row.optional()?.map(Client::try_from).transpose()
        });
        Ok(found.await?)
    }

    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError> {
        // The empty text comes before every name.
        let after = after.map(ToString::to_string).unwrap_or_default();
        let listed = self.sql.read(move |connection| {
            let further = clients::table.filter(clients::id.gt(&after)).order(clients::id).limit(limit.into());
            let rows: Vec<ClientRow> = further.select(ClientRow::as_select()).load(connection)?;
            rows.into_iter().map(Client::try_from).collect()
        });
        Ok(listed.await?)
    }

    async fn rotate(
        &self,
        id: &ClientId,
        secret: &HashedSecret,
        previous_until: Timestamp,
        audit: &AuditEvent,
    ) -> Result<bool, StoreError> {
        let (id, secret, event) = (id.to_string(), secret.as_str().to_owned(), audit.clone());
        let rotated = self.sql.write(move |connection| {
            // Said twice, it changes nothing the second time.
            let row = clients::table.find(&id).filter(clients::secret.ne(&secret));
            let new = (
                clients::previous_secret.eq(clients::secret),
                clients::previous_secret_expires_at.eq(previous_until.micros()),
                clients::secret.eq(&secret),
            );
            let rotated = diesel::update(row).set(new).execute(connection)? == 1;
            if rotated {
                audit::insert(connection, &event)?;
            }
            Ok(rotated)
        });
        Ok(rotated.await?)
    }

    async fn change(&self, id: &ClientId, change: &ClientChange, audit: &AuditEvent) -> Result<bool, StoreError> {
        let (id, change, event) = (id.to_string(), change.clone(), audit.clone());
        let changed = self.sql.write(move |connection| {
            let row = clients::table.find(&id);
            let found = diesel::update(row).set(ClientColumns::of(&change)?).execute(connection)? == 1;
            if found {
                audit::insert(connection, &event)?;
            }
            Ok(found)
        });
        Ok(changed.await?)
    }

    async fn set_disabled(
        &self,
        id: &ClientId,
        disabled: bool,
        audit: &AuditEvent,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, event) = (id.clone(), audit.clone());
        let changed = self.sql.write(move |connection| {
            let at = disabled.then_some(now.micros());
            let row = clients::table.find(id.to_string());
            let found = diesel::update(row).set(clients::disabled_at.eq(at)).execute(connection)? == 1;
            if found {
                audit::insert(connection, &event)?;
            }
            if found && disabled {
                revoke_tokens(connection, &id, now)?;
            }
            Ok(found)
        });
        Ok(changed.await?)
    }

    async fn remove(&self, id: &ClientId, audit: &AuditEvent, now: Timestamp) -> Result<bool, StoreError> {
        let (id, event) = (id.clone(), audit.clone());
        let removed = self.sql.write(move |connection| {
            let found = diesel::delete(clients::table.find(id.to_string())).execute(connection)? == 1;
            if found {
                audit::insert(connection, &event)?;
                revoke_tokens(connection, &id, now)?;
            }
            Ok(found)
        });
        Ok(removed.await?)
    }

    async fn use_assertion(&self, id: &ClientId, jti: &str, until: Timestamp) -> Result<bool, StoreError> {
        let (id, jti) = (id.to_string(), jti.to_owned());
        match self.sql.write(move |connection| Ok(assertions::insert(connection, &id, &jti, until)?)).await {
            Ok(()) => Ok(true),
            Err(SqlError::Unique(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
