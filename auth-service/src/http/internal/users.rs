//! `GET /internal/users`

use actix_web::{HttpRequest, web};
use common::problem::Problem;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::require_service;
use crate::{
    domain::user::{Identifier, Username},
    service::{Deps, find_user::find_user},
};

/// The scope that a token needs.
const SCOPE: &str = "users:read";

/// `?username=…`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserQuery {
    username: String,
}

/// A user, to another service.
#[derive(Serialize)]
pub(super) struct FoundUser {
    /// The user's id.
    sub: Uuid,
    /// As the user goes by it now.
    username: String,
}

/// The user of that name who may log in. An e-mail address is not a name: nobody learns whose it is.
pub(super) async fn find(
    deps: web::Data<Deps>,
    request: HttpRequest,
    query: web::Query<UserQuery>,
) -> Result<web::Json<FoundUser>, Problem> {
    require_service(&deps, &request, SCOPE).await?;
    let username = Username::parse(&query.username).map_err(|_| Problem::not_found())?;
    let user = find_user(&deps, &Identifier::Username(username)).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(FoundUser { sub: user.id.0, username: user.username.as_str().to_owned() }))
}
