//! `POST /oauth/introspect` (RFC 7662)

use actix_web::{Responder, web};
use common::claims::{AccessClaims, ActorChain};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    caller::{BasicCredentials, Caller},
    errors::OAuthError,
    form::Form,
    refusals::{InvalidClient, Throttled, TooLarge, Unavailable},
    token_form::TokenToLookAt,
};
use crate::{
    http::client_address::ClientAddress,
    service::{Deps, introspect as service},
};

/// What there is to say of a token (RFC 7662, section 2.2): its claims (RFC 9068, section 2.2), times in seconds since the
/// epoch. Of one that does not hold, or is not the client's business, only that it is not active.
#[derive(Default, Serialize, ToSchema)]
pub struct IntrospectionAnswer {
    /// Whether the token holds at this moment.
    active: bool,
    /// Always `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    token_type: Option<&'static str>,
    /// Words divided by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Which client it was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The user's id, or the client's for a token of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// The user's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    /// The user's roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    /// When the user last gave the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    /// The services that act for the user, the last one outermost (RFC 8693, section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    act: Option<ActorChain>,
}

impl From<AccessClaims> for IntrospectionAnswer {
    fn from(claims: AccessClaims) -> Self {
        let of_both = Self { active: true, token_type: Some("Bearer"), ..Self::default() };
        match claims {
            AccessClaims::User(user) => Self {
                scope: Some(user.scope.to_string()),
                client_id: Some(user.client_id),
                sub: Some(user.sub.to_string()),
                iss: Some(user.iss),
                aud: Some(user.aud),
                exp: Some(user.exp),
                iat: Some(user.iat),
                jti: Some(user.jti),
                sid: Some(user.sid),
                roles: Some(user.roles),
                auth_time: Some(user.auth_time),
                act: user.act,
                ..of_both
            },
            AccessClaims::Service(service) => Self {
                scope: Some(service.scope.to_string()),
                client_id: Some(service.client_id),
                sub: Some(service.sub),
                iss: Some(service.iss),
                aud: Some(service.aud),
                exp: Some(service.exp),
                iat: Some(service.iat),
                jti: Some(service.jti),
                ..of_both
            },
        }
    }
}

/// Whether a token holds, and what it says: to the client it was issued to, and to the service it was sent to.
#[utoipa::path(
    post, path = "/oauth/introspect", tag = "services",
    request_body(content = TokenToLookAt, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "What there is to say", body = IntrospectionAnswer),
        (status = 400, description = "`invalid_request`", body = OAuthError),
        InvalidClient, TooLarge, Throttled, Unavailable,
    ),
    security((), ("client" = []))
)]
pub async fn introspect(
    deps: web::Data<Deps>,
    basic: BasicCredentials,
    address: ClientAddress,
    form: Form,
) -> Result<impl Responder, OAuthError> {
    let client = Caller::of(&deps, basic, &form, address.0).await?.confidential()?;
    let token = form.get("token").ok_or(OAuthError::invalid_request("token is missing"))?;
    let claims = service::introspect(&deps, &client, token).await?;
    Ok(web::Json(claims.map(IntrospectionAnswer::from).unwrap_or_default()))
}
