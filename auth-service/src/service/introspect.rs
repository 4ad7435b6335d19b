//! A service asks what a token says and whether it holds (RFC 7662).

use common::claims::{AccessClaims, ServiceClaims};

use super::{
    Deps, Trouble,
    authenticate::{AuthenticateError, as_of_now},
    authenticate_service::scope_of_now,
};
use crate::domain::{client::Client, exchange::is_sent_to};

/// What is left at this moment of what `token` says, if it holds and is `client`'s business: it was sent to the client's
/// service, or issued to the client. About any other token, and about refresh tokens, nothing is said.
pub async fn introspect(deps: &Deps, client: &Client, token: &str) -> Result<Option<AccessClaims>, Trouble> {
    let asked = async {
        let claims = deps.access_tokens.verify(token)?;
        if !concerns(client, &claims) {
            return Ok(None);
        }
        match &*claims {
            AccessClaims::User(user) => Ok(Some(AccessClaims::User(as_of_now(deps, user).await?.0))),
            AccessClaims::Service(service) => {
                let scope = scope_of_now(deps, service).await?;
                Ok(Some(AccessClaims::Service(ServiceClaims { scope, ..service.clone() })))
            }
        }
    };
    match asked.await {
        Ok(claims) => Ok(claims),
        Err(AuthenticateError::Trouble(trouble)) => Err(trouble),
        Err(_) => Ok(None),
    }
}

fn concerns(client: &Client, claims: &AccessClaims) -> bool {
    let (iss, aud) = match claims {
        AccessClaims::User(user) => (&user.iss, &user.aud),
        AccessClaims::Service(service) => (&service.iss, &service.aud),
    };
    claims.client_id() == client.id.as_str() || is_sent_to(client, iss, aud)
}
