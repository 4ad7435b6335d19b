//! `GET /internal/revocations`: what other services mirror.

use std::time::Duration;

use actix_web::{HttpRequest, web};
use common::{problem::Problem, server::Stopping};
use serde::{Deserialize, Serialize};

use super::{cursor_unknown, require_service};
use crate::{
    domain::revocation::{Cursor, Revocation},
    service::{
        Deps, Trouble,
        revocation_feed::{FeedError, RevocationFeed, Told},
    },
};

/// What a mirror's client may do.
const SCOPE: &str = "revocations:read";

/// The longest that a request may wait, in seconds: less than a client's time-out.
const LONGEST_WAIT: u64 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    after: Option<String>,
    #[serde(default)]
    wait: u64,
}

#[derive(Serialize)]
pub(super) struct Answer {
    cursor: String,
    snapshot: bool,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    kind: &'static str,
    id: String,
    before: Option<i64>,
    until: i64,
}

impl From<Revocation> for Entry {
    fn from(revocation: Revocation) -> Self {
        let (kind, id) = revocation.revoked.parts();
        // Rounded up: a mirror must not forget too early.
        let until = revocation.until.seconds() + 1;
        Self { kind, id, before: revocation.before, until }
    }
}

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        Self {
            cursor: told.cursor.to_string(),
            snapshot: told.snapshot,
            entries: told.entries.into_iter().map(Entry::from).collect(),
        }
    }
}

pub(super) async fn revocations(
    deps: web::Data<Deps>,
    feed: web::Data<RevocationFeed>,
    stopping: web::Data<Stopping>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<web::Json<Answer>, Problem> {
    require_service(&deps, &request, SCOPE).await?;
    let Query { after, wait } = query.into_inner();
    if wait > LONGEST_WAIT {
        return Err(Problem::bad_field("wait", "must be at most 30 seconds"));
    }
    let after = after.map(|text| text.parse::<Cursor>()).transpose();
    let after = after.map_err(|error| Problem::bad_field("after", error.to_string()))?;
    let told = tokio::select! {
        told = feed.tell(after, Duration::from_secs(wait)) => told?,
        () = stopping.wait() => return Err(Problem::unavailable("unavailable", "This replica is stopping; ask another", 1)),
    };
    Ok(web::Json(told.into()))
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::UnknownCursor => cursor_unknown("log"),
            FeedError::Store(error) => Trouble::from(error).into(),
        }
    }
}
