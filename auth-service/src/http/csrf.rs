//! `GET /auth/csrf`

use actix_web::{HttpResponse, web};
use common::{
    browser::Cookie,
    problem::{Problem, Status},
};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    admission::no_such_mode,
    set_cookies::{set, with_cookies},
    signed_in::SignedIn,
};
use crate::service::{Deps, grant::InBrowser};

/// The value that requests have to repeat.
#[derive(Serialize, ToSchema)]
pub struct CsrfAnswer {
    /// Send it as `X-CSRF-Token` with every request that changes something.
    csrf_token: String,
}

/// For a front end that has lost its cookie with the CSRF value: sets it again. No other site can read the answer.
#[utoipa::path(
    get, path = "/auth/csrf", tag = "login",
    responses(
        (status = 200, description = "The value, also in a cookie", body = CsrfAnswer),
        (status = 400, description = "`bad_request`: there are cookies of two logins, or the session has none", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`missing_token`, `invalid_token`, `token_expired` or `login_required`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn csrf(deps: web::Data<Deps>, current: SignedIn) -> Result<HttpResponse, Problem> {
    if !current.session.mode.has_cookies() {
        return Err(Problem::new(Status::BadRequest, "bad_request", "The session has no cookies to protect"));
    }
    let site = deps.policy.site.as_ref().ok_or_else(no_such_mode)?;
    let InBrowser { csrf, session_ends_in } = InBrowser::of(&deps, &current.session, deps.clock.now());
    let answer = CsrfAnswer { csrf_token: csrf.expose_secret().to_owned() };
    Ok(with_cookies(HttpResponse::Ok().json(answer), [set(site, Cookie::Csrf, &csrf, session_ends_in)]))
}
