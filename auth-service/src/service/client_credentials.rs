//! A service asks for a token of its own (RFC 6749, section 4.4).

use common::{
    claims::{AccessClaims, ServiceClaims},
    scope::Scope,
};

use super::{Deps, Trouble, grant::Grant};
use crate::domain::client::{Client, GrantType, Name};

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientCredentialsError {
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

/// A token for the client itself. `wanted` is what it shall allow; all that the client may, when nothing is said.
pub fn client_credentials(
    deps: &Deps,
    client: &Client,
    wanted: Option<&Scope>,
) -> Result<Grant, ClientCredentialsError> {
    if !client.may_use(GrantType::ClientCredentials) {
        return Err(ClientCredentialsError::UnauthorizedClient);
    }
    let rights = &client.rights;
    let scope = match wanted {
        Some(wanted) if !wanted.is_within(&rights.scope) => return Err(ClientCredentialsError::InvalidScope),
        Some(wanted) => wanted.clone(),
        None => rights.scope.clone(),
    };
    let now = deps.clock.now();
    let claims = ServiceClaims {
        iss: deps.policy.issuer.clone(),
        aud: deps.policy.audiences_with(rights.audiences.iter().map(Name::as_str)),
        sub: client.id.to_string(),
        client_id: client.id.to_string(),
        exp: (now + rights.token_ttl).seconds(),
        iat: now.seconds(),
        nbf: None,
        jti: String::new(),
        scope: scope.clone(),
    };
    let access_token = deps.access_tokens.sign(AccessClaims::Service(claims), &*deps.rng).map_err(Trouble::from)?;
    tracing::info!(client = %client.id, %scope, "issued a token to a service");
    Ok(Grant { access_token, expires_in: rights.token_ttl, refresh_token: None, scope })
}
