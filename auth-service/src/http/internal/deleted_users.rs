//! `GET /internal/deleted-users`: whose data other services must not keep.

use actix_web::{HttpRequest, web};
use common::problem::{Problem, Status};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::require_service;
use crate::{
    domain::{ids::UserId, user::DeletedUser},
    service::{
        Deps,
        delete_account::{DeletedPage, deleted_page},
    },
};

/// What a client needs that keeps something of users.
const SCOPE: &str = "users:deleted";

/// The most that one answer says.
const PAGE: u32 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    after: Option<Uuid>,
}

#[derive(Serialize)]
pub(super) struct Answer {
    cursor: Option<Uuid>,
    users: Vec<Deleted>,
}

#[derive(Serialize)]
struct Deleted {
    sub: Uuid,
    /// Seconds since 1970.
    deleted_at: i64,
}

impl From<DeletedUser> for Deleted {
    fn from(user: DeletedUser) -> Self {
        Self { sub: user.id.0, deleted_at: user.deleted_at.seconds() }
    }
}

impl From<DeletedPage> for Answer {
    fn from(page: DeletedPage) -> Self {
        Self { cursor: page.cursor.map(|id| id.0), users: page.users.into_iter().map(Into::into).collect() }
    }
}

pub(super) async fn deleted_users(
    deps: web::Data<Deps>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<web::Json<Answer>, Problem> {
    require_service(&deps, &request, SCOPE).await?;
    let page = deleted_page(&*deps.users, query.after.map(UserId), PAGE).await?;
    page.map(|page| web::Json(page.into())).ok_or_else(|| {
        Problem::new(Status::Gone, "cursor_unknown", "The list does not know this cursor: ask without one")
    })
}
