//! `GET /.well-known/oauth-authorization-server` (RFC 8414)

use actix_web::{HttpResponse, http::header::CACHE_CONTROL, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::token::TOKEN_EXCHANGE;
use crate::{crypto::client_assertions::ALGORITHM_NAMES, service::Deps};

const AUTHENTICATION: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// For whom a refresh token, or the token to be revoked, is enough.
const AUTHENTICATION_OR_NONE: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/// Where what is, and what can be done there. There is no authorization endpoint: users log in at `/auth/login`.
#[derive(Serialize, ToSchema)]
pub struct MetadataAnswer {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    service_documentation: String,
    /// Always empty.
    response_types_supported: [&'static str; 0],
    #[schema(value_type = Vec<String>)]
    grant_types_supported: [&'static str; 3],
    #[schema(value_type = Vec<String>)]
    token_endpoint_auth_methods_supported: [&'static str; 4],
    #[schema(value_type = Vec<String>)]
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    #[schema(value_type = Vec<String>)]
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    #[schema(value_type = Vec<String>)]
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    #[schema(value_type = Vec<String>)]
    revocation_endpoint_auth_methods_supported: [&'static str; 4],
    #[schema(value_type = Vec<String>)]
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
}

impl MetadataAnswer {
    fn of(issuer: &str) -> Self {
        let at = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: at("/oauth/token"),
            jwks_uri: at("/.well-known/jwks.json"),
            introspection_endpoint: at("/oauth/introspect"),
            revocation_endpoint: at("/oauth/revoke"),
            service_documentation: at("/docs"),
            response_types_supported: [],
            grant_types_supported: ["client_credentials", "refresh_token", TOKEN_EXCHANGE],
            token_endpoint_auth_methods_supported: AUTHENTICATION_OR_NONE,
            token_endpoint_auth_signing_alg_values_supported: ALGORITHM_NAMES,
            introspection_endpoint_auth_methods_supported: AUTHENTICATION,
            introspection_endpoint_auth_signing_alg_values_supported: ALGORITHM_NAMES,
            revocation_endpoint_auth_methods_supported: AUTHENTICATION_OR_NONE,
            revocation_endpoint_auth_signing_alg_values_supported: ALGORITHM_NAMES,
        }
    }
}

/// What this authorization server can do, and where.
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", tag = "services",
    responses((status = 200, description = "The metadata (RFC 8414, section 2)", body = MetadataAnswer))
)]
pub async fn metadata(deps: web::Data<Deps>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .json(MetadataAnswer::of(&deps.policy.issuer))
}
