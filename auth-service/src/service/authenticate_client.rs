//! Which client is asking at `/oauth/…`: by its secret, or by what it has signed.

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};

use super::{Deps, Trouble, throttle::Guarded};
use crate::{
    domain::{
        audit::{Actor, AuditKind},
        client::{Client, ClientId, Credential},
        client_secret::ClientSecret,
    },
    ports::StoreError,
};

/// What a client sends to prove who it is.
#[derive(Debug)]
pub struct PresentedClient {
    /// Who it says it is.
    pub id: ClientId,
    /// What it shows for it.
    pub proof: Proof,
    /// Where the request came from, if known.
    pub address: Option<IpAddr>,
}

/// What a client shows.
#[derive(Debug)]
pub enum Proof {
    /// Its secret (RFC 6749, section 2.3.1).
    Secret(ClientSecret),
    /// What it has signed (RFC 7523, section 2.2).
    Assertion(SecretString),
}

/// Why nobody is known to be asking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No such client, the wrong secret or signature, or a client that is disabled: which of them is not said.
    #[error("the client is not known or its secret is wrong")]
    InvalidClient,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// The client that shows it is `presented`.
///
/// The proof comes first and costs nothing to check: whoever has it is never made to wait because of those who guess, or
/// because many ask at once. No limit on guesses makes 256 random bits any harder to find; it bounds the noise.
pub async fn authenticate_client(deps: &Deps, presented: &PresentedClient) -> Result<Client, ClientError> {
    let PresentedClient { id, address, .. } = presented;
    if let Some(client) = proved(deps, presented).await.map_err(Trouble::from)? {
        return Ok(client);
    }
    let reservation = deps.throttle.reserve(Guarded::ClientSecret(id.as_str()), *address).await?;
    let event = |kind| deps.audit.event(kind, Actor::Anonymous).of_client(id.as_str()).from_address(*address);
    deps.audit.record(event(AuditKind::ClientRefused));
    reservation.failed(deps, event(AuditKind::Throttled));
    Err(ClientError::InvalidClient)
}

/// The client, if the proof is its own and has not been used up.
async fn proved(deps: &Deps, presented: &PresentedClient) -> Result<Option<Client>, StoreError> {
    let Some(client) = deps.clients.find(&presented.id).await?.filter(|client| !client.disabled) else {
        return Ok(None);
    };
    let proved = match (&presented.proof, &client.credential) {
        (Proof::Secret(secret), Credential::Secret { .. }) => client.has_secret(secret, deps.clock.now()),
        (Proof::Assertion(assertion), Credential::Keys(keys)) => {
            match deps.client_assertions.verify(&client.id, keys, assertion.expose_secret()) {
                Ok(verified) => deps.clients.use_assertion(&client.id, &verified.jti, verified.until).await?,
                Err(error) => {
                    tracing::info!(client = %client.id, %error, "a client's assertion is not believed");
                    false
                }
            }
        }
        _ => false,
    };
    Ok(proved.then_some(client))
}
