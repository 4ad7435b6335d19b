//! What an operator does with clients.

use std::{sync::Arc, time::Duration};

use common::scope::Scope;

use super::{Trouble, audit};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, AuditKind},
        client::{Client, ClientId, ClientSecret, GrantType},
    },
    ports::{ClientStore, Clock, Rng},
};

/// What the operator's use cases share.
pub struct ClientOperator {
    /// Clients.
    pub clients: Arc<dyn ClientStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
}

/// Why a client was not changed or added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManageClientError {
    /// There is no such client.
    #[error("there is no such client")]
    NoSuchClient,
    /// There is such a client already.
    #[error("there is already a client of that name")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// A client as the operator describes it.
#[derive(Debug)]
pub struct ClientAddition {
    /// Its name.
    pub id: ClientId,
    /// A secret made elsewhere; a new one is made when there is none.
    pub secret: Option<ClientSecret>,
    /// What it may ask for.
    pub grants: Vec<GrantType>,
    /// The most that its tokens may allow.
    pub scope: Scope,
    /// Which services its tokens are for, beside auth-service.
    pub audiences: Vec<String>,
    /// How long its tokens live.
    pub token_ttl: Duration,
}

impl ClientOperator {
    /// Adds a client. Its secret is in the answer and nowhere else.
    pub async fn add(&self, addition: ClientAddition) -> Result<(Client, ClientSecret), ManageClientError> {
        let secret = addition.secret.unwrap_or_else(|| ClientSecret::new(&*self.rng));
        let now = self.clock.now();
        let client = Client {
            id: addition.id,
            secret: secret.hashed(),
            previous_secret: None,
            grants: addition.grants,
            scope: addition.scope,
            audiences: addition.audiences,
            token_ttl: addition.token_ttl,
            disabled: false,
            created_at: now,
        };
        let event = self.event(AuditKind::ClientAdded, &client.id).with("scope", client.scope.to_string());
        if !self.clients.insert(&client, &event, now).await.map_err(Trouble::from)? {
            return Err(ManageClientError::Taken);
        }
        audit::log(&event);
        Ok((client, secret))
    }

    /// The client of that name.
    pub async fn find(&self, id: &ClientId) -> Result<Client, ManageClientError> {
        self.clients.find(id).await.map_err(Trouble::from)?.ok_or(ManageClientError::NoSuchClient)
    }

    /// All clients, by name.
    pub async fn list(&self) -> Result<Vec<Client>, ManageClientError> {
        Ok(self.clients.list().await.map_err(Trouble::from)?)
    }

    /// Gives a client a new secret; the one of now is good for `overlap` still.
    pub async fn rotate(&self, id: &ClientId, overlap: Duration) -> Result<ClientSecret, ManageClientError> {
        let secret = ClientSecret::new(&*self.rng);
        let until = self.clock.now() + overlap;
        let event = self.event(AuditKind::ClientSecretChanged, id).with("previous_until", until.rfc3339());
        if !self.clients.rotate(id, &secret.hashed(), until, &event).await.map_err(Trouble::from)? {
            return Err(ManageClientError::NoSuchClient);
        }
        audit::log(&event);
        Ok(secret)
    }

    /// Has a client's tokens allow this and nothing else. Those there are allow no more than that at auth-service at once,
    /// elsewhere when they have expired.
    pub async fn set_scope(&self, id: &ClientId, scope: Scope) -> Result<Client, ManageClientError> {
        let before = self.find(id).await?.scope;
        let event = self.event(AuditKind::ClientScopeChanged, id).with("scope", scope.to_string());
        let event = event.with("scope_before", before.to_string());
        if !self.clients.set_scope(id, &scope, &event).await.map_err(Trouble::from)? {
            return Err(ManageClientError::NoSuchClient);
        }
        audit::log(&event);
        self.find(id).await
    }

    /// Gives a client no more tokens, or gives it some again.
    pub async fn set_disabled(&self, id: &ClientId, disabled: bool) -> Result<Client, ManageClientError> {
        let now = self.clock.now();
        let event = self.event(if disabled { AuditKind::ClientDisabled } else { AuditKind::ClientEnabled }, id);
        if !self.clients.set_disabled(id, disabled, &event, now).await.map_err(Trouble::from)? {
            return Err(ManageClientError::NoSuchClient);
        }
        audit::log(&event);
        self.find(id).await
    }

    fn event(&self, kind: AuditKind, id: &ClientId) -> AuditEvent {
        AuditEvent::new(kind, Actor::Operator, self.clock.now(), &*self.rng).of_client(id.as_str())
    }
}
