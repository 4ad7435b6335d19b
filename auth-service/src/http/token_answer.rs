//! Tokens as JSON (RFC 6749, section 5.1).

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::grant::Grant;

/// The answer of login and refresh.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: u64,
    /// For `POST /auth/refresh`, once the access token has ended. Absent in mode `access_only`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// What the access token allows, words divided by spaces.
    scope: String,
}

impl From<Grant> for TokenAnswer {
    fn from(grant: Grant) -> Self {
        Self {
            access_token: grant.access_token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: grant.expires_in.as_secs(),
            refresh_token: grant.refresh_token.map(|token| token.expose_secret().to_owned()),
            scope: grant.scope.to_string(),
        }
    }
}

impl Responder for TokenAnswer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self)
    }
}
