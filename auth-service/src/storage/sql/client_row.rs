//! A row of `clients`, and the client it stands for.

use std::time::Duration;

use common::{
    clock::Timestamp,
    sql::{AnyBackend, SqlError},
};
use diesel::prelude::*;
use serde::Serialize;

use super::{failure::inconsistent, schema::clients};
use crate::domain::{
    client::{Client, ClientChange, ClientKeys, Credential, Rights},
    client_secret::{HashedSecret, PreviousSecret},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = clients, check_for_backend(AnyBackend))]
pub(super) struct ClientRow {
    id: String,
    secret: Option<String>,
    previous_secret: Option<String>,
    previous_secret_expires_at: Option<i64>,
    grants: String,
    audiences: String,
    scope: String,
    token_ttl_seconds: i64,
    disabled_at: Option<i64>,
    created_at: i64,
    public_keys: Option<String>,
    service: Option<String>,
    roles: String,
}

/// The columns that a [`ClientChange`] sets.
#[derive(AsChangeset)]
#[diesel(table_name = clients)]
pub(super) struct ClientColumns {
    grants: Option<String>,
    audiences: Option<String>,
    scope: Option<String>,
    token_ttl_seconds: Option<i64>,
    public_keys: Option<String>,
    service: Option<String>,
    roles: Option<String>,
}

impl ClientColumns {
    pub(super) fn of(change: &ClientChange) -> Result<Self, SqlError> {
        Ok(Self {
            grants: change.grants.as_ref().map(json).transpose()?,
            audiences: change.audiences.as_ref().map(json).transpose()?,
            scope: change.scope.as_ref().map(ToString::to_string),
            token_ttl_seconds: change.token_ttl.map(seconds),
            public_keys: change.keys.as_ref().map(|keys| keys.as_str().to_owned()),
            service: change.service.as_ref().map(ToString::to_string),
            roles: change.roles.as_ref().map(json).transpose()?,
        })
    }
}

fn json(names: &impl Serialize) -> Result<String, SqlError> {
    serde_json::to_string(names).map_err(|error| SqlError::Other(error.to_string()))
}

fn seconds(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX)
}

impl ClientRow {
    /// A client that is new at `now`.
    pub(super) fn of(client: &Client, now: Timestamp) -> Result<Self, SqlError> {
        let (secret, previous, keys) = match &client.credential {
            Credential::Secret { current, previous } => (Some(current), previous.as_ref(), None),
            Credential::Keys(keys) => (None, None, Some(keys)),
        };
        let rights = &client.rights;
        Ok(Self {
            id: client.id.to_string(),
            secret: secret.map(|secret| secret.as_str().to_owned()),
            previous_secret: previous.map(|previous| previous.secret.as_str().to_owned()),
            previous_secret_expires_at: previous.map(|previous| previous.expires_at.micros()),
            grants: json(&rights.grants)?,
            audiences: json(&rights.audiences)?,
            scope: rights.scope.to_string(),
            token_ttl_seconds: seconds(rights.token_ttl),
            disabled_at: client.disabled.then_some(now.micros()),
            created_at: client.created_at.micros(),
            public_keys: keys.map(|keys| keys.as_str().to_owned()),
            service: Some(rights.service.to_string()),
            roles: json(&rights.roles)?,
        })
    }

    fn credential(&self) -> Option<Credential> {
        let previous = match (&self.previous_secret, self.previous_secret_expires_at) {
            (Some(secret), Some(expires_at)) => Some(PreviousSecret {
                secret: HashedSecret::stored(secret.clone()),
                expires_at: Timestamp::from_micros(expires_at),
            }),
            (None, None) => None,
            _ => return None,
        };
        match (&self.secret, &self.public_keys, previous) {
            (Some(secret), None, previous) => {
                Some(Credential::Secret { current: HashedSecret::stored(secret.clone()), previous })
            }
            (None, Some(keys), None) => Some(Credential::Keys(ClientKeys::stored(keys.clone()))),
            _ => None,
        }
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = SqlError;

    fn try_from(row: ClientRow) -> Result<Self, SqlError> {
        let wrong = |column| inconsistent("clients", column, &row.id);
        let seconds = u64::try_from(row.token_ttl_seconds).map_err(|_| wrong("token_ttl_seconds"))?;
        Ok(Self {
            id: row.id.parse().map_err(|_| wrong("id"))?,
            credential: row.credential().ok_or_else(|| wrong("secret or public_keys"))?,
            rights: Rights {
                grants: serde_json::from_str(&row.grants).map_err(|_| wrong("grants"))?,
                scope: row.scope.parse().map_err(|_| wrong("scope"))?,
                service: row.service.as_ref().unwrap_or(&row.id).parse().map_err(|_| wrong("service"))?,
                audiences: serde_json::from_str(&row.audiences).map_err(|_| wrong("audiences"))?,
                roles: serde_json::from_str(&row.roles).map_err(|_| wrong("roles"))?,
                token_ttl: Duration::from_secs(seconds),
            },
            disabled: row.disabled_at.is_some(),
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}
