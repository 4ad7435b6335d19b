//! `GET /auth/csrf`

use actix_web::{HttpRequest, HttpResponse, http::header::AUTHORIZATION, web};
use common::{
    actix::cookies::cookie,
    browser::Cookie,
    problem::{Problem, Status},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    admission::no_such_mode,
    set_cookies::{set, with_cookies},
    shown::shown,
};
use crate::service::{
    Deps,
    csrf_value::{csrf_value, csrf_value_to_refresh},
    grant::InBrowser,
};

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
    security(("access_cookie" = []), ("refresh_cookie" = []), ("session_cookie" = []))
)]
pub async fn csrf(deps: web::Data<Deps>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let in_browser = match (shown(&request, &deps), refresh_token(&request, &deps)?) {
        (Err(_), Some(token)) => csrf_value_to_refresh(&deps, &token).await?,
        (shown, _) => csrf_value(&deps, &shown?).await?,
    };
    let InBrowser { csrf, session_ends_in } = in_browser.ok_or_else(no_cookies)?;
    let site = deps.policy.site.as_ref().ok_or_else(no_such_mode)?;
    let answer = CsrfAnswer { csrf_token: csrf.expose_secret().to_owned() };
    Ok(with_cookies(HttpResponse::Ok().json(answer), [set(site, Cookie::Csrf, &csrf, session_ends_in)]))
}

/// The cookie's, where there is no other credential.
fn refresh_token(request: &HttpRequest, deps: &Deps) -> Result<Option<SecretString>, Problem> {
    let (headers, Some(site)) = (request.headers(), deps.policy.site.as_ref()) else { return Ok(None) };
    let found = |name| cookie(headers, site.cookie(name));
    if headers.contains_key(AUTHORIZATION) || found(Cookie::AccessToken)?.is_some() || found(Cookie::Session)?.is_some()
    {
        return Ok(None);
    }
    Ok(found(Cookie::RefreshToken)?.map(|token| token.to_owned().into()))
}

fn no_cookies() -> Problem {
    Problem::new(Status::BadRequest, "bad_request", "The session has no cookies to protect")
}
