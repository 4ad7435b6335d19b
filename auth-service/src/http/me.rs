//! `GET /auth/me`

use actix_web::web;
use common::problem::Problem;

use super::{register::UserAnswer, signed_in::SignedIn};
use crate::service::{Deps, profile};

/// The user who asks.
#[utoipa::path(
    get, path = "/auth/me", tag = "account",
    responses(
        (status = 200, description = "The user", body = UserAnswer),
        (status = 401, description = "`missing_token`, `invalid_token`, `token_expired` or `login_required`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = []))
)]
pub async fn me(deps: web::Data<Deps>, current: SignedIn) -> Result<web::Json<UserAnswer>, Problem> {
    Ok(web::Json(profile::profile(&deps, &current.0).await?.into()))
}
