//! `GET /api/whoami`

use actix_web::web;
use common::claims::User;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::refusals::Unauthenticated;

/// The user, as the access token describes them.
#[derive(Serialize, ToSchema)]
pub struct WhoamiAnswer {
    /// The user's id.
    sub: Uuid,
    /// The session's id.
    sid: Uuid,
    /// What the user logged in through.
    client_id: String,
    /// What the token allows: words divided by spaces.
    scope: String,
    /// What the user is.
    roles: Vec<String>,
    /// RFC 3339, in UTC: when the user last gave the password.
    authenticated_at: String,
    /// RFC 3339, in UTC: when the token ends.
    expires_at: String,
}

impl From<User> for WhoamiAnswer {
    fn from(user: User) -> Self {
        Self {
            sub: user.id,
            sid: user.session,
            client_id: user.client_id.clone(),
            scope: user.scope.to_string(),
            roles: user.roles.clone(),
            authenticated_at: user.authenticated_at.rfc3339(),
            expires_at: user.expires_at.rfc3339(),
        }
    }
}

/// Who is asking. Everything is in the token: no store is asked.
#[utoipa::path(
    get, path = "/api/whoami", tag = "identity",
    responses(
        (status = 200, description = "The user", body = WhoamiAnswer),
        Unauthenticated,
    ),
    security(("access_token" = []))
)]
pub async fn whoami(user: User) -> web::Json<WhoamiAnswer> {
    web::Json(user.into())
}
