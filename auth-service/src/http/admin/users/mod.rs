//! `GET /admin/users`; `GET`, `PATCH` and `DELETE /admin/users/{id}`; `GET` and `DELETE /admin/users/{id}/sessions`

mod answer;
mod request;
pub mod sessions;

use actix_web::{
    HttpResponse,
    web::{self, Query},
};
use common::{
    actix::refusals::{PayloadTooLarge, UnsupportedMediaType},
    problem::{Problem, Status},
};
use uuid::Uuid;

use self::{
    answer::{AdminUserAnswer, UserList},
    request::{Search, UserPatchRequest, UserQuery, Wanted},
};
use crate::{
    domain::{ids::UserId, session::Session},
    http::{
        administrator::Administrator,
        client_address::ClientAddress,
        fresh::Fresh,
        logout::{PendingAnswer, applied},
        problems::{email_taken, not_administrator, username_taken, weak_password},
        refusals::{
            BadMembers, BadParameters, NoSuchUser, NotAdministrator, NotByAdministrator, NotLately, OwnAccount,
            TwoLogins, Unauthenticated, Unavailable,
        },
    },
    service::{
        Deps,
        effects::Applied,
        manage_users::{ManageError, Operator},
    },
};

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NoSuchUser => Self::not_found(),
            ManageError::UsernameTaken => username_taken(),
            ManageError::EmailTaken => email_taken(),
            ManageError::WeakPassword(weak) => weak_password("password", weak),
            ManageError::OwnAccount => {
                Self::new(Status::Conflict, "own_account", "Another administrator has to do this to your account")
            }
            ManageError::NotAdministrator => not_administrator(),
            ManageError::Trouble(trouble) => trouble.into(),
        }
    }
}

fn operator(deps: &Deps, session: &Session, address: &ClientAddress) -> Operator {
    Operator::of_administrator(deps, session, address.0)
}

/// All users, or those with a name that begins with `search`, in the order of their registration.
#[utoipa::path(
    get, path = "/admin/users", tag = "admin", params(UserQuery),
    responses(
        (status = 200, description = "A page", body = UserList),
        BadParameters, Unauthenticated, NotAdministrator, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn list(
    deps: web::Data<Deps>,
    administrator: Administrator,
    address: ClientAddress,
    query: Query<UserQuery>,
) -> Result<web::Json<UserList>, Problem> {
    let Wanted { search, after, limit } = query.read()?;
    let operator = operator(&deps, &administrator.0, &address);
    let users = match search {
        Search::All => operator.list(None, after, limit + 1).await?,
        Search::For(prefix) => operator.list(Some(&prefix), after, limit + 1).await?,
        Search::Nobody => Vec::new(),
    };
    Ok(web::Json(UserList::page(&users, limit)))
}

/// One user.
#[utoipa::path(
    get, path = "/admin/users/{id}", tag = "admin", params(("id" = Uuid, Path, description = "The user's id")),
    responses(
        (status = 200, description = "The user", body = AdminUserAnswer),
        TwoLogins, Unauthenticated, NotAdministrator, NoSuchUser, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn read(
    deps: web::Data<Deps>,
    administrator: Administrator,
    address: ClientAddress,
    id: web::Path<Uuid>,
) -> Result<web::Json<AdminUserAnswer>, Problem> {
    let user = operator(&deps, &administrator.0, &address).found(UserId(*id)).await?;
    Ok(web::Json((&user).into()))
}

/// Changes a user: a member that is missing stays as it is. Who is disabled has no sessions any more and cannot log in;
/// sessions get the new roles at once, access tokens when they are renewed.
#[utoipa::path(
    patch, path = "/admin/users/{id}", tag = "admin", params(("id" = Uuid, Path, description = "The user's id")),
    request_body = UserPatchRequest,
    responses(
        (status = 200, description = "The user as they are now", body = AdminUserAnswer),
        (status = 202, description = "Changed; the sessions follow as soon as the session store can be reached", body = PendingAnswer),
        BadMembers, NotLately, NotByAdministrator, NoSuchUser, OwnAccount, PayloadTooLarge, UnsupportedMediaType, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn change(
    deps: web::Data<Deps>,
    administrator: Fresh<Administrator>,
    address: ClientAddress,
    id: web::Path<Uuid>,
    body: web::Json<UserPatchRequest>,
) -> Result<HttpResponse, Problem> {
    let patch = body.into_inner().read()?;
    let patched = operator(&deps, &administrator.0.0, &address).patch(UserId(*id), patch).await?;
    Ok(match patched {
        (user, Applied::Now) => HttpResponse::Ok().json(AdminUserAnswer::from(&user)),
        (_, Applied::Later) => applied(Applied::Later),
    })
}

/// Deletes a user for good. All sessions end, and services that follow deletions forget what they keep of the user.
#[utoipa::path(
    delete, path = "/admin/users/{id}", tag = "admin", params(("id" = Uuid, Path, description = "The user's id")),
    responses(
        (status = 202, description = "Deleted; the sessions end as soon as the session store can be reached", body = PendingAnswer),
        (status = 204, description = "Deleted; the sessions are over"),
        TwoLogins, NotLately, NotByAdministrator, NoSuchUser, OwnAccount, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn remove(
    deps: web::Data<Deps>,
    administrator: Fresh<Administrator>,
    address: ClientAddress,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    Ok(applied(operator(&deps, &administrator.0.0, &address).delete_by_id(UserId(*id)).await?))
}
