//! A service asks for a token of its own (RFC 6749, section 4.4).

use std::net::IpAddr;

use common::{
    claims::{AccessClaims, ServiceClaims},
    scope::Scope,
};

use super::{Deps, Trouble, grant::Grant, throttle::Guarded};
use crate::domain::{
    audit::{Actor, AuditKind},
    client::{Client, ClientId, ClientSecret, GrantType},
};

/// What a client sends.
#[derive(Debug)]
pub struct ClientCredentials {
    /// Who it says it is.
    pub id: ClientId,
    /// What it shows for it.
    pub secret: ClientSecret,
    /// What the token shall allow; all that the client may, when nothing is said.
    pub scope: Option<Scope>,
    /// Where the request came from, if known.
    pub address: Option<IpAddr>,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No such client, the wrong secret, or a client that is disabled: which of them is not said.
    #[error("the client is not known or its secret is wrong")]
    InvalidClient,
    /// The client may not ask for this kind of token.
    #[error("the client may not use this grant")]
    UnauthorizedClient,
    /// The client may not have a part of the scope.
    #[error("the client may not have this scope")]
    InvalidScope,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// A token for the client itself.
pub async fn client_credentials(deps: &Deps, request: &ClientCredentials) -> Result<Grant, ClientError> {
    let client = authenticate_client(deps, request).await?;
    if !client.grants.contains(&GrantType::ClientCredentials) {
        return Err(ClientError::UnauthorizedClient);
    }
    let scope = match &request.scope {
        Some(wanted) if !wanted.is_within(&client.scope) => return Err(ClientError::InvalidScope),
        Some(wanted) => wanted.clone(),
        None => client.scope.clone(),
    };
    let now = deps.clock.now();
    let claims = ServiceClaims {
        iss: deps.policy.issuer.clone(),
        aud: deps.policy.audiences_with(&client.audiences),
        sub: client.id.to_string(),
        client_id: client.id.to_string(),
        exp: (now + client.token_ttl).seconds(),
        iat: now.seconds(),
        nbf: None,
        jti: String::new(),
        scope: scope.clone(),
    };
    let access_token = deps.access_tokens.sign(AccessClaims::Service(claims), &*deps.rng).map_err(Trouble::from)?;
    tracing::info!(client = %client.id, %scope, "issued a token to a service");
    Ok(Grant { access_token, expires_in: client.token_ttl, refresh_token: None, scope })
}

/// The client that the secret belongs to.
async fn authenticate_client(deps: &Deps, request: &ClientCredentials) -> Result<Client, ClientError> {
    let ClientCredentials { id, secret, address, .. } = request;
    let reservation = deps.throttle.reserve(Guarded::ClientSecret(id.as_str()), *address).await?;
    let client = match deps.clients.find(id).await {
        Ok(client) => client,
        Err(error) => {
            reservation.withdrawn().await;
            return Err(Trouble::from(error).into());
        }
    };
    if let Some(client) = client.filter(|client| !client.disabled && client.has_secret(secret, deps.clock.now())) {
        reservation.succeeded().await;
        return Ok(client);
    }
    let event = |kind| deps.audit.event(kind, Actor::Anonymous).of_client(id.as_str()).from_address(*address);
    deps.audit.record(event(AuditKind::ClientRefused));
    reservation.failed(deps, event(AuditKind::Throttled));
    Err(ClientError::InvalidClient)
}
