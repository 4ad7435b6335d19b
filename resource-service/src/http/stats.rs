//! `GET /api/admin/stats`

use actix_web::web;
use common::{actix::Guarded, problem::Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    access::Admin,
    refusals::{InsufficientRole, Unauthenticated, Unavailable},
};
use crate::{ports::Stats, service::Notes};

/// How much there is of everybody's.
#[derive(Serialize, ToSchema)]
pub struct StatsAnswer {
    notes: u64,
    /// Users who have at least one note.
    owners: u64,
}

impl From<Stats> for StatsAnswer {
    fn from(stats: Stats) -> Self {
        Self { notes: stats.notes, owners: stats.owners }
    }
}

/// How many notes there are.
#[utoipa::path(
    get, path = "/api/admin/stats", tag = "admin",
    responses(
        (status = 200, description = "Counted now", body = StatsAnswer),
        Unauthenticated, InsufficientRole, Unavailable
    ),
    security(("access_token" = []))
)]
pub async fn stats(_admin: Guarded<Admin>, notes: web::Data<Notes>) -> Result<web::Json<StatsAnswer>, Problem> {
    Ok(web::Json(notes.stats().await?.into()))
}
