//! What a request shows of who is asking: a token in the header or, from a browser, a cookie. The header excludes cookies, which a
//! browser adds by itself.

use actix_web::{
    HttpRequest,
    http::{Method, header::HeaderMap},
};
use common::{
    actix::{bearer, cookies::cookie, csrf},
    browser::{Cookie, Site},
    problem::{Problem, Status},
};

use crate::{
    domain::session_cookie::SessionCookie,
    service::{
        Deps,
        authenticate::{Csrf, Shown},
    },
};

/// What `request` shows.
pub(super) fn shown(request: &HttpRequest, deps: &Deps) -> Result<Shown, Problem> {
    shown_in(request.headers(), request.method(), deps.policy.site.as_ref())
}

/// The same for a request that is told of: with these headers, and with `method`.
pub(super) fn shown_in(headers: &HeaderMap, method: &Method, site: Option<&Site>) -> Result<Shown, Problem> {
    if let Some(token) = bearer::optional_token(headers)? {
        return Ok(Shown::Token(token.to_owned().into()));
    }
    let site = site.ok_or_else(bearer::missing_token)?;
    let found = |name| cookie(headers, site.cookie(name));
    match (found(Cookie::AccessToken)?, found(Cookie::Session)?) {
        (None, None) => Err(bearer::missing_token()),
        (Some(_), Some(_)) => {
            let detail = "There are cookies of two logins: log out, and in again";
            Err(Problem::new(Status::BadRequest, "bad_request", detail))
        }
        (Some(token), None) => Ok(Shown::TokenCookie(token.to_owned().into(), repeated(headers, method, site)?)),
        (None, Some(value)) => {
            let cookie = SessionCookie::parse(value).ok_or_else(malformed)?;
            Ok(Shown::SessionCookie(cookie, repeated(headers, method, site)?))
        }
    }
}

fn repeated(headers: &HeaderMap, method: &Method, site: &Site) -> Result<Csrf, Problem> {
    if csrf::is_safe(method) {
        return Ok(Csrf::NotNeeded);
    }
    Ok(Csrf::Value(csrf::presented(headers, site)?.to_owned().into()))
}

fn malformed() -> Problem {
    bearer::invalid_token("invalid_token", "the session's cookie is malformed".to_owned())
}
