//! A row of `clients`, and the client it stands for.

use std::time::Duration;

use common::{
    clock::Timestamp,
    sql::{AnyBackend, SqlError},
};
use diesel::prelude::*;

use super::{failure::inconsistent, schema::clients};
use crate::domain::client::{Client, HashedSecret, PreviousSecret};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = clients, check_for_backend(AnyBackend))]
pub(super) struct ClientRow {
    id: String,
    secret: String,
    previous_secret: Option<String>,
    previous_secret_expires_at: Option<i64>,
    grants: String,
    audiences: String,
    scope: String,
    token_ttl_seconds: i64,
    disabled_at: Option<i64>,
    created_at: i64,
}

impl ClientRow {
    /// A client that is new at `now`.
    pub(super) fn of(client: &Client, now: Timestamp) -> Result<Self, SqlError> {
        let unwritable = |error: serde_json::Error| SqlError::Other(error.to_string());
        Ok(Self {
            id: client.id.to_string(),
            secret: client.secret.as_str().to_owned(),
            previous_secret: client.previous_secret.as_ref().map(|previous| previous.secret.as_str().to_owned()),
            previous_secret_expires_at: client.previous_secret.as_ref().map(|previous| previous.expires_at.micros()),
            grants: serde_json::to_string(&client.grants).map_err(unwritable)?,
            audiences: serde_json::to_string(&client.audiences).map_err(unwritable)?,
            scope: client.scope.to_string(),
            token_ttl_seconds: i64::try_from(client.token_ttl.as_secs()).unwrap_or(i64::MAX),
            disabled_at: client.disabled.then_some(now.micros()),
            created_at: client.created_at.micros(),
        })
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = SqlError;

    fn try_from(row: ClientRow) -> Result<Self, SqlError> {
        let wrong = |column| inconsistent("clients", column, &row.id);
        let previous_secret = match (row.previous_secret, row.previous_secret_expires_at) {
            (Some(secret), Some(expires_at)) => Some(PreviousSecret {
                secret: HashedSecret::stored(secret),
                expires_at: Timestamp::from_micros(expires_at),
            }),
            (None, None) => None,
            _ => return Err(wrong("previous_secret")),
        };
        let seconds = u64::try_from(row.token_ttl_seconds).map_err(|_| wrong("token_ttl_seconds"))?;
        Ok(Self {
            id: row.id.parse().map_err(|_| wrong("id"))?,
            secret: HashedSecret::stored(row.secret),
            previous_secret,
            grants: serde_json::from_str(&row.grants).map_err(|_| wrong("grants"))?,
            scope: row.scope.parse().map_err(|_| wrong("scope"))?,
            audiences: serde_json::from_str(&row.audiences).map_err(|_| wrong("audiences"))?,
            token_ttl: Duration::from_secs(seconds),
            disabled: row.disabled_at.is_some(),
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}
