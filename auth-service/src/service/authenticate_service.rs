//! Which service is asking: an access token that auth-service has signed for a client, and the client as it is now.

use common::{claims::AccessClaims, scope::Scope, verifier::TokenError};

use super::{Deps, Trouble, authenticate::AuthenticateError};
use crate::domain::client::Client;

/// The client that `token` was issued to, and what the token allows of what the client may have by now.
pub async fn authenticate_service(deps: &Deps, token: &str) -> Result<(Client, Scope), AuthenticateError> {
    let verified = deps.access_tokens.verify(token)?;
    let AccessClaims::Service(claims) = &*verified else {
        return Err(TokenError::NotAService.into());
    };
    let id = claims.client_id.parse().map_err(|_| TokenError::InvalidClaims)?;
    let client = deps.clients.find(&id).await.map_err(Trouble::from)?;
    let client = client.filter(|client| !client.disabled).ok_or(AuthenticateError::ClientGone)?;
    let scope = claims.scope.common_with(&client.scope);
    Ok((client, scope))
}
