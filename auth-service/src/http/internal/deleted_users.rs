//! `GET /internal/deleted-users`: whose data other services must not keep.

use actix_web::{HttpRequest, web};
use common::problem::Problem;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{cursor_unknown, require_service};
use crate::{
    domain::user::{DeletedUser, DeletionPlace},
    service::{
        Deps,
        delete_account::{DeletedPage, deleted_page},
    },
};

/// What a client needs that keeps something of users.
const SCOPE: &str = "users:deleted";

/// The most that one answer says: not more than a service can mark in one transaction.
const PAGE: u32 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    after: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Answer {
    cursor: Option<String>,
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
        Self { sub: user.place.user.0, deleted_at: user.deleted_at.seconds() }
    }
}

impl From<DeletedPage> for Answer {
    fn from(page: DeletedPage) -> Self {
        Self {
            cursor: page.cursor.map(|place| place.to_string()),
            users: page.users.into_iter().map(Into::into).collect(),
        }
    }
}

pub(super) async fn deleted_users(
    deps: web::Data<Deps>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<web::Json<Answer>, Problem> {
    require_service(&deps, &request, SCOPE).await?;
    let after = query.into_inner().after.map(|text| text.parse::<DeletionPlace>()).transpose();
    let after = after.map_err(|error| Problem::bad_field("after", error.to_string()))?;
    let page = deleted_page(&*deps.users, after, PAGE).await?;
    page.map(|page| web::Json(page.into())).ok_or_else(|| cursor_unknown("list"))
}
