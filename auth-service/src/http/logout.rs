//! `POST /auth/logout`, `POST /auth/logout-all`

use actix_web::{HttpRequest, HttpResponse, http::header::HeaderMap, web};
use common::{
    actix::{
        answers::OptionalJson,
        bearer,
        cookies::cookie,
        csrf,
        refusals::{PayloadTooLarge, UnsupportedMediaType},
    },
    browser::{Cookie, Site},
    problem::Problem,
};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    client_address::ClientAddress,
    refresh::{RefreshRequest, given_token},
    set_cookies::{ended, forgetting},
    signed_in::SignedIn,
};
use crate::{
    domain::session_cookie::SessionCookie,
    service::{
        Deps,
        effects::Applied,
        logout::{self as service, InCookies},
    },
};

/// A change that is committed and will take effect when the session store can be reached.
#[derive(Serialize, ToSchema)]
pub struct PendingAnswer {
    /// Always `pending`.
    status: &'static str,
}

/// 204, or 202 while the session store is away.
pub(super) fn applied(applied: Applied) -> HttpResponse {
    match applied {
        Applied::Now => HttpResponse::NoContent().finish(),
        Applied::Later => HttpResponse::Accepted().json(PendingAnswer { status: "pending" }),
    }
}

/// Ends the session of the token, which may be an access token (header) or a refresh token (header or body). With neither, ends
/// those of the cookies, and clears them, whether they were good or not.
#[utoipa::path(
    post, path = "/auth/logout", tag = "login", request_body = Option<RefreshRequest>,
    responses(
        (status = 204, description = "The session is over, also when it was before"),
        (status = 400, description = "`bad_request`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`missing_token`, `invalid_token` or `token_expired`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`csrf_failed`: with cookies, and not shown to come from this site; or `users_only`", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("access_token" = []), ("refresh_token" = []), ("access_cookie" = []), ("refresh_cookie" = []), ("session_cookie" = []))
)]
pub async fn logout(
    deps: web::Data<Deps>,
    request: HttpRequest,
    address: ClientAddress,
    body: OptionalJson<RefreshRequest>,
) -> Result<HttpResponse, Problem> {
    let response = HttpResponse::NoContent().finish();
    if let Some(token) = given_token(&request, body)? {
        service::logout(&deps, &token, address.0).await?;
        return Ok(response);
    }
    let site = deps.policy.site.as_ref().ok_or_else(bearer::missing_token)?;
    service::logout_browser(&deps, &in_cookies(request.headers(), site)?, address.0).await?;
    Ok(forgetting(response, site))
}

fn in_cookies(headers: &HeaderMap, site: &Site) -> Result<InCookies, Problem> {
    let found = |name| cookie(headers, site.cookie(name));
    let token = |name| found(name).map(|token| token.map(|token| SecretString::from(token.to_owned())));
    let session = found(Cookie::Session)?;
    let (refresh_token, access_token) = (token(Cookie::RefreshToken)?, token(Cookie::AccessToken)?);
    if session.is_none() && refresh_token.is_none() && access_token.is_none() {
        return Err(bearer::missing_token());
    }
    Ok(InCookies {
        session: session.and_then(SessionCookie::parse),
        refresh_token,
        access_token,
        csrf: csrf::presented(headers, site)?.to_owned().into(),
    })
}

/// Ends all sessions of the user.
#[utoipa::path(
    post, path = "/auth/logout-all", tag = "login",
    responses(
        (status = 202, description = "Committed; the sessions end as soon as the session store can be reached", body = PendingAnswer),
        (status = 204, description = "All sessions are over"),
        (status = 401, description = "`missing_token`, `invalid_token`, `token_expired` or `login_required`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = []))
)]
pub async fn logout_all(
    deps: web::Data<Deps>,
    current: SignedIn,
    address: ClientAddress,
) -> Result<HttpResponse, Problem> {
    let response = applied(service::logout_all(&deps, &current.session, address.0).await?);
    Ok(ended(response, deps.policy.site.as_ref(), &current.shown))
}
