//! Clients, in the database of the users.

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    scope::Scope,
    sql::{Sql, SqlError},
};
use diesel::prelude::*;

use super::{announcements, audit, client_row::ClientRow, schema::clients};
use crate::{
    domain::{
        audit::AuditEvent,
        client::{Client, ClientId, HashedSecret},
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

    async fn list(&self) -> Result<Vec<Client>, StoreError> {
        let listed = self.sql.read(move |connection| {
            let rows: Vec<ClientRow> =
                clients::table.select(ClientRow::as_select()).order(clients::id).load(connection)?;
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
                clients::previous_secret.eq(clients::secret.nullable()),
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

    async fn set_scope(&self, id: &ClientId, scope: &Scope, audit: &AuditEvent) -> Result<bool, StoreError> {
        let (id, scope, event) = (id.to_string(), scope.to_string(), audit.clone());
        let changed = self.sql.write(move |connection| {
            let row = clients::table.find(&id);
            let found = diesel::update(row).set(clients::scope.eq(&scope)).execute(connection)? == 1;
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
                // Those of this second too.
                let before = now.seconds() + 1;
                announcements::push(connection, &Revoked::Client(id.clone()), Some(before))?;
            }
            Ok(found)
        });
        Ok(changed.await?)
    }
}
