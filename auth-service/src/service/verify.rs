//! Verification for a gateway: who is asking, in a form that any service understands.

use common::{
    claims::{AccessClaims, Holder, Principal, ServiceClaims},
    scope::Scope,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Deps,
    authenticate::{AuthenticateError, Shown, as_of_now, by_token_cookie, visit},
    authenticate_service::scope_of_now,
    grant::grant,
};

/// What the gateway passes on.
#[derive(Debug)]
pub struct Verified {
    /// The token for the service behind the gateway: the one that came or, in the place of a session's cookie, a phantom of it.
    pub token: SecretString,
    /// Who is asking, as the stores have it now.
    pub principal: Principal,
}

/// What somebody has to be allowed. All of it has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// Words of the scope.
    pub scope: Scope,
    /// Roles, of a user.
    pub roles: Vec<String>,
}

/// Why the request does not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Nobody is known to be asking.
    #[error(transparent)]
    Unauthenticated(#[from] AuthenticateError),
    /// The scope lacks some of what is required.
    #[error("the scope is not enough")]
    InsufficientScope,
    /// The user lacks this role.
    #[error("the role {0} is required")]
    InsufficientRole(String),
}

/// Finds out who is asking, by one look at the store, and whether they may.
pub async fn verify(deps: &Deps, shown: &Shown, required: &Required) -> Result<Verified, VerifyError> {
    let (token, claims) = match shown {
        Shown::Token(token) => (token.clone(), of_token(deps, token).await?),
        Shown::TokenCookie(token, csrf) => {
            (token.clone(), AccessClaims::User(by_token_cookie(deps, token, csrf).await?.0))
        }
        Shown::SessionCookie(cookie, csrf) => {
            let session = visit(deps, cookie, csrf).await?;
            let phantom = grant(deps, &session, &session.scope, None, deps.clock.now());
            let token = phantom.map_err(AuthenticateError::from)?.access_token;
            let claims = deps.access_tokens.verify(token.expose_secret()).map_err(AuthenticateError::from)?;
            (token, AccessClaims::clone(&claims))
        }
    };
    let principal = Principal::from(&claims);
    check(&principal, required)?;
    Ok(Verified { token, principal })
}

/// What is left at this moment of what a token says.
async fn of_token(deps: &Deps, token: &SecretString) -> Result<AccessClaims, AuthenticateError> {
    match &*deps.access_tokens.verify(token.expose_secret())? {
        AccessClaims::User(claims) => Ok(AccessClaims::User(as_of_now(deps, claims).await?.0)),
        AccessClaims::Service(claims) => {
            let scope = scope_of_now(deps, claims).await?;
            Ok(AccessClaims::Service(ServiceClaims { scope, ..claims.clone() }))
        }
    }
}

fn check(principal: &Principal, required: &Required) -> Result<(), VerifyError> {
    if !required.scope.is_within(principal.scope()) {
        return Err(VerifyError::InsufficientScope);
    }
    let has = |role: &&String| match principal {
        Principal::User(user) => user.has_role(role),
        Principal::Service(_) => false,
    };
    match required.roles.iter().find(|role| !has(role)) {
        Some(role) => Err(VerifyError::InsufficientRole(role.clone())),
        None => Ok(()),
    }
}
