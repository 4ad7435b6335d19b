//! A service asks what a token says and whether it holds (RFC 7662).

use std::sync::Arc;

use common::claims::AccessClaims;

use super::{
    Deps, Trouble,
    authenticate::{AuthenticateError, Delegation, authenticate_as},
    authenticate_service::authenticate_service,
};
use crate::domain::client::Client;

/// The claims of `token`, if it holds at this moment and is `client`'s business: it was sent to the client's service, or
/// issued to the client. About any other token, and about refresh tokens, nothing is said.
pub async fn introspect(deps: &Deps, client: &Client, token: &str) -> Result<Option<Arc<AccessClaims>>, Trouble> {
    let claims = match deps.access_tokens.verify(token) {
        Ok(claims) if concerns(client, &claims) => claims,
        Ok(_) => return Ok(None),
        Err(error) => return inactive(error.into()),
    };
    let alive = match &*claims {
        AccessClaims::User(_) => authenticate_as(deps, token, Delegation::Allowed).await.map(drop),
        AccessClaims::Service(_) => authenticate_service(deps, token).await.map(drop),
    };
    match alive {
        Ok(()) => Ok(Some(claims)),
        Err(error) => inactive(error),
    }
}

/// Whether the token was sent to the client's service, or issued to the client.
fn concerns(client: &Client, claims: &AccessClaims) -> bool {
    let audiences = match claims {
        AccessClaims::User(user) => &user.aud,
        AccessClaims::Service(service) => &service.aud,
    };
    claims.client_id() == client.id.as_str() || audiences.iter().any(|it| it == client.rights.service.as_str())
}

fn inactive(error: AuthenticateError) -> Result<Option<Arc<AccessClaims>>, Trouble> {
    match error {
        AuthenticateError::Trouble(trouble) => Err(trouble),
        _ => Ok(None),
    }
}
