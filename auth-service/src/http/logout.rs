//! `POST /auth/logout`, `POST /auth/logout-all`

use actix_web::{HttpRequest, HttpResponse, web};
use common::{
    actix::{
        answers::OptionalJson,
        refusals::{PayloadTooLarge, UnsupportedMediaType},
    },
    problem::Problem,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    client_address::ClientAddress,
    refresh::{RefreshRequest, presented_token},
    signed_in::SignedIn,
};
use crate::service::{Deps, effects::Applied, logout as service};

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

/// Ends the session of the token, which may be an access token (header) or a refresh token (header or body).
#[utoipa::path(
    post, path = "/auth/logout", tag = "login", request_body = Option<RefreshRequest>,
    responses(
        (status = 204, description = "The session is over, also when it was before"),
        (status = 400, description = "`bad_request`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`missing_token`, `invalid_token` or `token_expired`", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("access_token" = []), ("refresh_token" = []))
)]
pub async fn logout(
    deps: web::Data<Deps>,
    request: HttpRequest,
    address: ClientAddress,
    body: OptionalJson<RefreshRequest>,
) -> Result<HttpResponse, Problem> {
    let token = presented_token(&request, body)?;
    service::logout(&deps, &token, address.0).await?;
    Ok(HttpResponse::NoContent().finish())
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
    Ok(applied(service::logout_all(&deps, &current.0, address.0).await?))
}
