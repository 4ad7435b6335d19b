//! `GET /auth/sessions`, `DELETE /auth/sessions/{sid}`

use std::{net::IpAddr, time::Duration};

use actix_web::{HttpResponse, web};
use common::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    client_address::ClientAddress,
    refusals::{NotByUser, TwoLogins, Unauthenticated, Unavailable, UsersOnly},
    set_cookies::ended,
    signed_in::SignedIn,
};
use crate::{
    domain::{ids::SessionId, session::Session},
    service::{Deps, logout, own_sessions},
};

/// Finer steps would tell whoever looks at the list when exactly somebody is at a device.
const LAST_SEEN_STEP: Duration = Duration::from_mins(5);

/// A session as its user sees it.
#[derive(Serialize, ToSchema)]
pub struct SessionAnswer {
    id: Uuid,
    /// Whether it is the session of this request.
    current: bool,
    /// Such as "Firefox on Linux".
    device: String,
    /// Where the login came from, if known.
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
    mode: &'static str,
    /// RFC 3339, in UTC.
    created_at: String,
    /// RFC 3339, in UTC; rounded down to five minutes.
    last_seen_at: String,
    /// RFC 3339, in UTC: when it ends unless it is refreshed before.
    expires_at: String,
}

/// The sessions of a user.
#[derive(Serialize, ToSchema)]
pub struct SessionList {
    items: Vec<SessionAnswer>,
    /// Always null: the list is complete.
    next: Option<String>,
}

impl SessionList {
    /// `current` is the session of the request.
    pub(super) fn new(sessions: Vec<Session>, current: SessionId) -> Self {
        let items = sessions.into_iter().map(|session| SessionAnswer::new(session, current)).collect();
        Self { items, next: None }
    }
}

impl SessionAnswer {
    fn new(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id.0,
            current: session.id == current,
            device: session.device,
            address: session.address,
            mode: session.mode.as_str(),
            created_at: session.created_at.rfc3339(),
            last_seen_at: session.last_seen.rounded_down(LAST_SEEN_STEP).rfc3339(),
            expires_at: session.idle_expiry.min(session.absolute_expiry).rfc3339(),
        }
    }
}

/// The user's sessions, the newest first.
#[utoipa::path(
    get, path = "/auth/sessions", tag = "account",
    responses(
        (status = 200, description = "The sessions that are alive", body = SessionList),
        TwoLogins, Unauthenticated, UsersOnly, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn list(deps: web::Data<Deps>, current: SignedIn) -> Result<web::Json<SessionList>, Problem> {
    let sessions = own_sessions::own_sessions(&deps, &current.session).await?;
    Ok(web::Json(SessionList::new(sessions, current.session.id)))
}

/// Ends one of the user's sessions. Another user's is not found.
#[utoipa::path(
    delete, path = "/auth/sessions/{sid}", tag = "account",
    params(("sid" = Uuid, Path, description = "The session's id")),
    responses(
        (status = 204, description = "The session is over"),
        TwoLogins, Unauthenticated, NotByUser,
        (status = 404, description = "`not_found`: the user has no such session", body = Problem, content_type = "application/problem+json"),
        Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn end(
    deps: web::Data<Deps>,
    current: SignedIn,
    address: ClientAddress,
    sid: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    if !logout::end_session(&deps, &current.session, SessionId(*sid), address.0).await? {
        return Err(Problem::not_found());
    }
    let response = HttpResponse::NoContent().finish();
    if current.session.id != SessionId(*sid) {
        return Ok(response);
    }
    Ok(ended(response, deps.policy.site.as_ref(), &current.shown))
}
