//! Which service is asking: an access token that auth-service has signed for a client, and the client as it is now.

use common::{claims::AccessClaims, scope::Scope, verifier::TokenError};

use super::{Deps, Trouble, authenticate::AuthenticateError};

/// What `token` allows of what its client may have by now.
pub async fn authenticate_service(deps: &Deps, token: &str) -> Result<Scope, AuthenticateError> {
    let verified = deps.access_tokens.verify(token)?;
    let AccessClaims::Service(claims) = &*verified else {
        return Err(TokenError::NotAService.into());
    };
    let id = claims.client_id.parse().map_err(|_| TokenError::InvalidClaims)?;
    let client = deps.clients.find(&id).await.map_err(Trouble::from)?;
    let client = client.filter(|client| !client.disabled).ok_or(AuthenticateError::ClientGone)?;
    Ok(claims.scope.common_with(&client.rights.scope))
}
