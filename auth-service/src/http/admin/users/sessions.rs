//! `GET` and `DELETE /admin/users/{id}/sessions`

use actix_web::{HttpResponse, web};
use common::problem::Problem;
use uuid::Uuid;

use super::operator;
use crate::{
    domain::ids::UserId,
    http::{
        administrator::Administrator,
        client_address::ClientAddress,
        fresh::Fresh,
        logout::{PendingAnswer, applied},
        refusals::{
            NoSuchUser, NotAdministrator, NotByAdministrator, NotLately, TwoLogins, Unauthenticated, Unavailable,
        },
        sessions::SessionList,
    },
    service::{Deps, own_sessions::sessions_of},
};

/// A user's sessions, the newest first.
#[utoipa::path(
    get, path = "/admin/users/{id}/sessions", tag = "admin", params(("id" = Uuid, Path, description = "The user's id")),
    responses(
        (status = 200, description = "The sessions that are alive", body = SessionList),
        TwoLogins, Unauthenticated, NotAdministrator, NoSuchUser, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn list(
    deps: web::Data<Deps>,
    administrator: Administrator,
    id: web::Path<Uuid>,
) -> Result<web::Json<SessionList>, Problem> {
    let sessions = sessions_of(&deps, UserId(*id)).await?.ok_or_else(Problem::not_found)?;
    tracing::info!(user = %administrator.0.user, of = %*id, "reads a user's sessions");
    Ok(web::Json(SessionList::new(sessions, administrator.0.id)))
}

/// Ends all sessions of a user.
#[utoipa::path(
    delete, path = "/admin/users/{id}/sessions", tag = "admin",
    params(("id" = Uuid, Path, description = "The user's id")),
    responses(
        (status = 202, description = "Committed; the sessions end as soon as the session store can be reached", body = PendingAnswer),
        (status = 204, description = "All sessions are over"),
        TwoLogins, NotLately, NotByAdministrator, NoSuchUser, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn end(
    deps: web::Data<Deps>,
    administrator: Fresh<Administrator>,
    address: ClientAddress,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    Ok(applied(operator(&deps, &administrator.0.0, &address).end_sessions(UserId(*id)).await?))
}
