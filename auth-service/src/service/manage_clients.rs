//! What an operator or an administrator does with clients.

use std::{net::IpAddr, sync::Arc, time::Duration};

use super::{Deps, Trouble, audit};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, AuditKind},
        client::{Client, ClientChange, ClientId, ClientKeys, Credential, GrantType, Name, Rights},
        client_secret::ClientSecret,
        session::Session,
    },
    ports::{ClientStore, Clock, Rng},
};

/// What the use cases share.
pub struct ClientOperator {
    /// Clients.
    pub clients: Arc<dyn ClientStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// Who does it.
    pub actor: Actor,
    /// From where, if known.
    pub address: Option<IpAddr>,
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
    /// A secret for a client that signs with its own keys, or keys for one that has a secret.
    #[error("the client proves who it is in another way: by a secret or by keys, as it was added")]
    OtherCredential,
    /// The store failed.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// How a new client will prove who it is.
#[derive(Debug)]
pub enum NewCredential {
    /// By a secret that is made now.
    NewSecret,
    /// By a secret that was made elsewhere.
    Secret(ClientSecret),
    /// By keys of its own.
    Keys(ClientKeys),
}

impl ClientOperator {
    /// What an administrator does in `session`.
    #[must_use]
    pub fn of_administrator(deps: &Deps, session: &Session, address: Option<IpAddr>) -> Self {
        Self {
            clients: Arc::clone(&deps.clients),
            clock: Arc::clone(&deps.clock),
            rng: Arc::clone(&deps.rng),
            actor: Actor::User(session.user),
            address,
        }
    }

    /// Adds a client. A secret that was made for it is in the answer and nowhere else.
    pub async fn add(
        &self,
        id: ClientId,
        credential: NewCredential,
        rights: Rights,
    ) -> Result<(Client, Option<ClientSecret>), ManageClientError> {
        if id.is_first_party() {
            return Err(ManageClientError::Taken);
        }
        let of_secret = |secret: &ClientSecret| Credential::Secret { current: secret.hashed(), previous: None };
        let (credential, secret) = match credential {
            NewCredential::NewSecret => {
                let secret = ClientSecret::new(&*self.rng);
                (of_secret(&secret), Some(secret))
            }
            NewCredential::Secret(secret) => (of_secret(&secret), None),
            NewCredential::Keys(keys) => (Credential::Keys(keys), None),
        };
        let now = self.clock.now();
        let client = Client { id, credential, rights, disabled: false, created_at: now };
        let event = self.event(AuditKind::ClientAdded, &client.id);
        let event = described(event, &ClientChange::to(&client.rights));
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

    /// Up to `limit` clients after `after`, by name.
    pub async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, ManageClientError> {
        Ok(self.clients.list(after, limit).await.map_err(Trouble::from)?)
    }

    /// Gives a client a new secret; the one of now is good for `overlap` still.
    pub async fn rotate(&self, id: &ClientId, overlap: Duration) -> Result<(Client, ClientSecret), ManageClientError> {
        if matches!(self.find(id).await?.credential, Credential::Keys(_)) {
            return Err(ManageClientError::OtherCredential);
        }
        let secret = ClientSecret::new(&*self.rng);
        let until = self.clock.now() + overlap;
        let event = self.event(AuditKind::ClientSecretChanged, id).with("previous_until", until.rfc3339());
        if !self.clients.rotate(id, &secret.hashed(), until, &event).await.map_err(Trouble::from)? {
            return Err(ManageClientError::NoSuchClient);
        }
        audit::log(&event);
        Ok((self.find(id).await?, secret))
    }

    /// Changes what a client may have, or its keys. Tokens that there are allow no more than the new scope at auth-service
    /// at once, elsewhere when they have expired.
    pub async fn change(&self, id: &ClientId, change: &ClientChange) -> Result<Client, ManageClientError> {
        let client = self.find(id).await?;
        if change.keys.is_some() && matches!(client.credential, Credential::Secret { .. }) {
            return Err(ManageClientError::OtherCredential);
        }
        if change.is_empty() {
            return Ok(client);
        }
        let event = changed(self.event(AuditKind::ClientChanged, id), change, &client.rights);
        if !self.clients.change(id, change, &event).await.map_err(Trouble::from)? {
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

    /// Removes a client. Its tokens are refused from now on.
    pub async fn remove(&self, id: &ClientId) -> Result<(), ManageClientError> {
        let event = self.event(AuditKind::ClientRemoved, id);
        if !self.clients.remove(id, &event, self.clock.now()).await.map_err(Trouble::from)? {
            return Err(ManageClientError::NoSuchClient);
        }
        audit::log(&event);
        Ok(())
    }

    fn event(&self, kind: AuditKind, id: &ClientId) -> AuditEvent {
        AuditEvent::new(kind, self.actor.clone(), self.clock.now(), &*self.rng)
            .of_client(id.as_str())
            .from_address(self.address)
    }
}

/// What is new, as details of an event.
fn described(event: AuditEvent, change: &ClientChange) -> AuditEvent {
    details(change).into_iter().fold(event, |event, (name, value)| event.with(name, value))
}

/// What is new, and what was there before.
fn changed(event: AuditEvent, change: &ClientChange, rights: &Rights) -> AuditEvent {
    let new = details(change);
    let before = details(&ClientChange::to(rights));
    let before = before.into_iter().filter(|(name, _)| new.iter().any(|(changed, _)| changed == name));
    before.fold(described(event, change), |event, (name, value)| event.with(&format!("{name}_before"), value))
}

fn details(change: &ClientChange) -> Vec<(&'static str, String)> {
    let words = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
    let grants = |grants: &[GrantType]| grants.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ");
    let details = [
        ("grants", change.grants.as_deref().map(grants)),
        ("scope", change.scope.as_ref().map(ToString::to_string)),
        ("service", change.service.as_ref().map(ToString::to_string)),
        ("audiences", change.audiences.as_deref().map(words)),
        ("roles", change.roles.as_deref().map(words)),
        ("token_ttl_seconds", change.token_ttl.map(|ttl| ttl.as_secs().to_string())),
        ("keys", change.keys.as_ref().map(|_| "replaced".to_owned())),
    ];
    details.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
