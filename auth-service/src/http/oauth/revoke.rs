//! `POST /oauth/revoke` (RFC 7009)

use actix_web::{HttpResponse, web};

use super::{
    caller::{BasicCredentials, Caller},
    errors::OAuthError,
    form::Form,
    refusals::{InvalidClient, Throttled, TooLarge, Unavailable},
    token_form::TokenToLookAt,
};
use crate::{
    domain::client::{ClientId, FIRST_PARTY_CLIENT},
    http::client_address::ClientAddress,
    service::{Deps, revoke_token::revoke_token},
};

/// Revokes a token of the client's own. A refresh token, or the access token of mode `access_only`, ends its session; any
/// other access token is refused alone from now on.
#[utoipa::path(
    post, path = "/oauth/revoke", tag = "services",
    request_body(content = TokenToLookAt, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "It does not hold any more, or never did"),
        (status = 400, description = "`invalid_request`, or `invalid_grant`: the token was issued to another client", body = OAuthError),
        InvalidClient, TooLarge, Throttled, Unavailable,
    ),
    security((), ("client" = []))
)]
pub async fn revoke(
    deps: web::Data<Deps>,
    basic: BasicCredentials,
    address: ClientAddress,
    form: Form,
) -> Result<HttpResponse, OAuthError> {
    let client = match Caller::of(&deps, basic, &form, address.0).await? {
        Caller::Confidential(client) => client.id,
        Caller::Public { named: true } => first_party()?,
        Caller::Public { named: false } => return Err(OAuthError::invalid_client()),
    };
    let token = form.get("token").ok_or(OAuthError::invalid_request("token is missing"))?;
    revoke_token(&deps, &client, token, address.0).await?;
    Ok(HttpResponse::Ok().finish())
}

fn first_party() -> Result<ClientId, OAuthError> {
    FIRST_PARTY_CLIENT.parse().map_err(|_| OAuthError::invalid_client())
}
