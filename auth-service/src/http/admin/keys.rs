//! `GET /admin/keys`

use actix_web::web;
use common::{clock::Timestamp, problem::Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::signing_key::SigningKey,
    http::{
        administrator::Administrator,
        refusals::{NotAdministrator, TwoLogins, Unauthenticated, Unavailable},
    },
    service::{Deps, list_keys::list_keys},
};

/// A key that signs access tokens, without any key material.
#[derive(Serialize, ToSchema)]
pub struct KeyAnswer {
    /// Its name in the header of tokens, and in the JWKS.
    kid: String,
    /// `EdDSA`, `ES256` or `RS256`.
    algorithm: &'static str,
    /// `next`: published, signs later. `active`: signs. `retired`: what it signed is verified. `over`: about to go.
    state: &'static str,
    /// RFC 3339, in UTC.
    created_at: String,
    /// RFC 3339, in UTC: when it begins to sign.
    activates_at: String,
    /// RFC 3339, in UTC: when it ceases to sign, once that is known.
    retires_at: Option<String>,
    /// RFC 3339, in UTC: until when what it signed is verified, once that is known.
    verify_until: Option<String>,
}

impl KeyAnswer {
    fn new(key: &SigningKey, now: Timestamp) -> Self {
        Self {
            kid: key.kid.to_string(),
            algorithm: key.algorithm.as_str(),
            state: key.phase(now).as_str(),
            created_at: key.created_at.rfc3339(),
            activates_at: key.activates_at.rfc3339(),
            retires_at: key.retirement.map(|retirement| retirement.at.rfc3339()),
            verify_until: key.retirement.map(|retirement| retirement.verify_until.rfc3339()),
        }
    }
}

/// The signing keys.
#[derive(Serialize, ToSchema)]
pub struct KeyList {
    /// In the order in which they sign. None where tokens are signed with the shared secret alone.
    items: Vec<KeyAnswer>,
    /// Always null: the list is complete.
    next: Option<String>,
}

/// The keys that sign access tokens, and where each stands.
#[utoipa::path(
    get, path = "/admin/keys", tag = "admin",
    responses(
        (status = 200, description = "The keys", body = KeyList),
        TwoLogins, Unauthenticated, NotAdministrator, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn list(deps: web::Data<Deps>, _administrator: Administrator) -> Result<web::Json<KeyList>, Problem> {
    let (keys, now) = (list_keys(&deps).await?, deps.clock.now());
    Ok(web::Json(KeyList { items: keys.iter().map(|key| KeyAnswer::new(key, now)).collect(), next: None }))
}
