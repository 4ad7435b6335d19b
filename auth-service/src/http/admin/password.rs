//! `POST /admin/users/{id}/password`

use actix_web::{HttpResponse, web};
use common::{
    actix::refusals::{PayloadTooLarge, UnsupportedMediaType},
    problem::Problem,
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{ids::UserId, password::Password},
    http::{
        administrator::Administrator,
        client_address::ClientAddress,
        fresh::Fresh,
        logout::{PendingAnswer, applied},
        problems::invalid_password,
        refusals::{BadMembers, NoSuchUser, NotByAdministrator, NotLately, OwnAccount, Unavailable},
    },
    service::{Deps, temporary_password::give_temporary_password},
};

/// A password for somebody else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemporaryPasswordRequest {
    /// At most 71 bytes, without NUL, and hard to guess. Good for 72 hours.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 71)]
    password: SecretString,
}

/// Gives a user a temporary password, which has to be replaced at the next login, and ends the user's sessions.
#[utoipa::path(
    post, path = "/admin/users/{id}/password", tag = "admin", request_body = TemporaryPasswordRequest,
    params(("id" = Uuid, Path, description = "The user's id")),
    responses(
        (status = 202, description = "Given; the sessions end as soon as the session store can be reached", body = PendingAnswer),
        (status = 204, description = "Given; the user's sessions are over"),
        BadMembers, NotLately, NotByAdministrator, NoSuchUser, OwnAccount, PayloadTooLarge, UnsupportedMediaType,
        (status = 422, description = "`weak_password`, with advice", body = Problem, content_type = "application/problem+json"),
        Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn give(
    deps: web::Data<Deps>,
    administrator: Fresh<Administrator>,
    address: ClientAddress,
    id: web::Path<Uuid>,
    body: web::Json<TemporaryPasswordRequest>,
) -> Result<HttpResponse, Problem> {
    let password = Password::new(body.into_inner().password).map_err(|error| invalid_password("password", error))?;
    let session = administrator.0.0;
    Ok(applied(give_temporary_password(&deps, &session, UserId(*id), password, address.0).await?))
}
