//! What login, refresh and re-authentication answer: tokens for programs, cookies for browsers.

use actix_web::HttpResponse;
use common::{
    browser::Cookie,
    problem::{Problem, Status},
};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    set_cookies::{cleared, set, with_cookies},
    token_answer::TokenAnswer,
};
use crate::service::{
    Deps,
    grant::{Admission, InBrowser},
};

/// The answer in the modes `bearer` and `access_only`, or that in the modes `cookie` and `session`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum LoginAnswer {
    /// Tokens.
    Tokens(TokenAnswer),
    /// Beside `Set-Cookie`: no script sees a token.
    Browser(BrowserAnswer),
}

/// What scripts get to know in the modes `cookie` and `session`.
#[derive(Serialize, ToSchema)]
pub struct BrowserAnswer {
    /// Send it as `X-CSRF-Token` with every request that changes something. It is in a cookie as well, which scripts can read.
    csrf_token: String,
    /// Seconds until the access token ends; in mode `session`, until the session does.
    expires_in: u64,
    /// What the session allows, words divided by spaces.
    scope: String,
}

/// The modes of this deployment have no cookies (any more).
pub(super) fn no_such_mode() -> Problem {
    Problem::new(Status::BadRequest, "unsupported_mode", "This mode is not supported here")
}

/// 200 with what a login gets. It replaces what the browser held of one in another mode; nothing but a login does that, so that an answer that
/// is late takes away no login that is newer.
pub(super) fn logged_in(deps: &Deps, admission: Admission) -> Result<HttpResponse, Problem> {
    let replaced: &[Cookie] = match admission {
        Admission::Tokens(_) => &[],
        Admission::Cookies(..) => &[Cookie::Session],
        Admission::Session(..) => &[Cookie::AccessToken, Cookie::RefreshToken],
    };
    let site = deps.policy.site.as_ref();
    let gone = site.into_iter().flat_map(|site| replaced.iter().map(|cookie| cleared(site, *cookie)));
    Ok(with_cookies(admitted(deps, admission)?, gone))
}

/// 200 with what the client of a session gets.
pub(super) fn admitted(deps: &Deps, admission: Admission) -> Result<HttpResponse, Problem> {
    let (answer, cookies) = match admission {
        Admission::Tokens(grant) => (LoginAnswer::Tokens(grant.into()), Vec::new()),
        Admission::Cookies(grant, in_browser) => {
            let site = deps.policy.site.as_ref().ok_or_else(no_such_mode)?;
            let ends_in = in_browser.session_ends_in;
            let mut cookies = vec![set(site, Cookie::AccessToken, &grant.access_token, grant.expires_in)];
            cookies.extend(grant.refresh_token.map(|token| set(site, Cookie::RefreshToken, &token, ends_in)));
            cookies.push(set(site, Cookie::Csrf, &in_browser.csrf, ends_in));
            (browser_answer(&in_browser, grant.expires_in.as_secs(), grant.scope.to_string()), cookies)
        }
        Admission::Session(cookie, scope, in_browser) => {
            let site = deps.policy.site.as_ref().ok_or_else(no_such_mode)?;
            let ends_in = in_browser.session_ends_in;
            let mut cookies = Vec::from_iter(cookie.map(|cookie| set(site, Cookie::Session, &cookie.value(), ends_in)));
            cookies.push(set(site, Cookie::Csrf, &in_browser.csrf, ends_in));
            (browser_answer(&in_browser, ends_in.as_secs(), scope.to_string()), cookies)
        }
    };
    Ok(with_cookies(HttpResponse::Ok().json(answer), cookies))
}

fn browser_answer(in_browser: &InBrowser, expires_in: u64, scope: String) -> LoginAnswer {
    let csrf_token = in_browser.csrf.expose_secret().to_owned();
    LoginAnswer::Browser(BrowserAnswer { csrf_token, expires_in, scope })
}
