//! `GET /api/activity`

use actix_web::web;
use common::{
    actix::{BearerToken, Guarded},
    clock::Timestamp,
    problem::Problem,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    access::ReadNotes,
    refusals::{BadGateway, InsufficientScope, Unauthenticated, Unavailable},
};
use crate::{domain::activity::Activity, service::Activities};

/// What the user has been doing.
#[derive(Serialize, ToSchema)]
pub struct ActivityAnswer {
    /// Which service says so: its name in `aud`.
    service: String,
    /// The user's notes there.
    notes: u64,
    /// RFC 3339, in UTC: when one of them last changed.
    last_changed_at: Option<String>,
    /// The services that act for the user (RFC 8693, section 4.1), the last one first. Empty when the user asks in person.
    actors: Vec<String>,
    /// What the next service says, which was asked on behalf of the user; null when none was asked.
    #[schema(no_recursion)]
    peer: Option<Box<ActivityAnswer>>,
}

impl From<Activity> for ActivityAnswer {
    fn from(activity: Activity) -> Self {
        Self {
            service: activity.service,
            notes: activity.notes,
            last_changed_at: activity.last_changed_at.map(Timestamp::rfc3339),
            actors: activity.actors,
            peer: activity.peer.map(|peer| Box::new((*peer).into())),
        }
    }
}

/// What the user has been doing, here and at the next service, which is asked on behalf of the user: with a token for it
/// that this service gets for the user's.
#[utoipa::path(
    get, path = "/api/activity", tag = "notes",
    responses(
        (status = 200, description = "What there is to say", body = ActivityAnswer),
        Unauthenticated, InsufficientScope, BadGateway, Unavailable,
    ),
    security(("access_token" = ["notes:read"]))
)]
pub async fn activity(
    user: Guarded<ReadNotes>,
    token: BearerToken,
    activities: web::Data<Activities>,
) -> Result<web::Json<ActivityAnswer>, Problem> {
    Ok(web::Json(activities.of(&user, &token.0).await?.into()))
}
