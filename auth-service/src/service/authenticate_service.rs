//! Which service is asking: an access token that auth-service has signed for a client, and the client as it is now.

use common::{
    claims::{AccessClaims, ServiceClaims},
    scope::Scope,
    verifier::TokenError,
};

use super::{
    Deps,
    authenticate::{AuthenticateError, living_client},
};

/// What `token` allows of what its client may have by now.
pub async fn authenticate_service(deps: &Deps, token: &str) -> Result<Scope, AuthenticateError> {
    match &*deps.access_tokens.verify(token)? {
        AccessClaims::Service(claims) => scope_of_now(deps, claims).await,
        AccessClaims::User(_) => Err(TokenError::NotAService.into()),
    }
}

/// What is left at this moment of what a service's token allows.
pub(super) async fn scope_of_now(deps: &Deps, claims: &ServiceClaims) -> Result<Scope, AuthenticateError> {
    let client = living_client(deps, &claims.client_id).await?;
    Ok(claims.scope.common_with(&client.rights.scope))
}
