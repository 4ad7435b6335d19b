//! The cookies of modes `cookie` and `session`, as they are set and cleared.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    cookie::{Cookie as SetCookie, SameSite, time},
};
use common::browser::{Cookie, Site};
use secrecy::{ExposeSecret, SecretString};

use crate::service::authenticate::Shown;

const ALL: [Cookie; 4] = [Cookie::AccessToken, Cookie::RefreshToken, Cookie::Session, Cookie::Csrf];

/// Adds `cookies` to an answer.
pub(super) fn with_cookies(
    mut response: HttpResponse,
    cookies: impl IntoIterator<Item = SetCookie<'static>>,
) -> HttpResponse {
    for cookie in cookies {
        // It fails for values that fit into no header. These are base64url and dots.
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "a cookie could not be set");
        }
    }
    response
}

/// The cookie that keeps `value` for `lifetime`.
pub(super) fn set(site: &Site, cookie: Cookie, value: &SecretString, lifetime: Duration) -> SetCookie<'static> {
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    built(site, cookie, value.expose_secret().to_owned(), time::Duration::seconds(seconds))
}

/// What makes a browser forget the cookie.
pub(super) fn cleared(site: &Site, cookie: Cookie) -> SetCookie<'static> {
    built(site, cookie, String::new(), time::Duration::ZERO)
}

fn built(site: &Site, cookie: Cookie, value: String, max_age: time::Duration) -> SetCookie<'static> {
    SetCookie::build(site.cookie(cookie), value)
        .path(cookie.path())
        .max_age(max_age)
        .same_site(SameSite::Lax)
        .http_only(cookie.is_http_only())
        .secure(site.is_secure())
        .finish()
}

/// The same answer, after which the browser holds nothing of a login.
pub(super) fn forgetting(response: HttpResponse, site: &Site) -> HttpResponse {
    with_cookies(response, ALL.map(|cookie| cleared(site, cookie)))
}

/// The answer to a request that has ended the session it was made in: where a cookie has `shown` that, it goes.
pub(super) fn ended(response: HttpResponse, site: Option<&Site>, shown: &Shown) -> HttpResponse {
    match (shown, site) {
        (Shown::TokenCookie(..) | Shown::SessionCookie(..), Some(site)) => forgetting(response, site),
        (Shown::Token(_), _) | (_, None) => response,
    }
}
