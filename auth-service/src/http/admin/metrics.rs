//! `GET /admin/metrics`: for charts in a page. Whoever keeps metrics reads `/metrics` of every replica.

use std::collections::BTreeMap;

use actix_web::web;
use common::{clock::Timestamp, problem::Problem, rng::uuid_v7, telemetry::metrics::Metrics};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    http::{
        administrator::Administrator,
        outcomes::Outcomes,
        refusals::{NotAdministrator, TwoLogins, Unauthenticated, Unavailable},
    },
    ports::Rng,
    service::Deps,
};

/// One run of one replica: counters of another one begin anew.
#[derive(Debug, Clone, Copy)]
pub struct Instance {
    id: Uuid,
    started_at: Timestamp,
}

impl Instance {
    /// A replica that starts now.
    #[must_use]
    pub fn new(now: Timestamp, rng: &dyn Rng) -> Self {
        Self { id: uuid_v7(now, rng), started_at: now }
    }
}

/// What one replica has counted since it was started: the numbers of `/metrics`.
#[derive(Serialize, ToSchema)]
pub struct MetricsAnswer {
    /// Of this run of this replica. Where it is another one, the counters are others too.
    instance: Uuid,
    /// RFC 3339, in UTC.
    started_at: String,
    /// RFC 3339, in UTC: when the numbers were read.
    at: String,
    /// Logins by what came of them.
    #[schema(value_type = BTreeMap<String, u64>)]
    logins: BTreeMap<&'static str, u64>,
    /// Refreshes by what came of them.
    #[schema(value_type = BTreeMap<String, u64>)]
    refreshes: BTreeMap<&'static str, u64>,
    /// Answers by the class of their status: `2xx`, `4xx` and so on.
    #[schema(value_type = BTreeMap<String, u64>)]
    answers: BTreeMap<&'static str, u64>,
    /// What else only rises, such as `bcrypt_turned_away`.
    #[schema(value_type = BTreeMap<String, u64>)]
    counters: BTreeMap<&'static str, u64>,
    /// What rises and falls, such as `bcrypt_queue_length`.
    #[schema(value_type = BTreeMap<String, f64>)]
    gauges: BTreeMap<&'static str, Value>,
}

/// What the replica that answers has counted. Behind a gateway each request may meet another one: `instance` says which.
#[utoipa::path(
    get, path = "/admin/metrics", tag = "admin",
    responses(
        (status = 200, description = "The numbers", body = MetricsAnswer),
        TwoLogins, Unauthenticated, NotAdministrator, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn read(
    deps: web::Data<Deps>,
    _administrator: Administrator,
    instance: web::Data<Instance>,
    outcomes: web::Data<Outcomes>,
    metrics: web::Data<Metrics>,
) -> Result<web::Json<MetricsAnswer>, Problem> {
    Ok(web::Json(MetricsAnswer {
        instance: instance.id,
        started_at: instance.started_at.rfc3339(),
        at: deps.clock.now().rfc3339(),
        logins: outcomes.logins(),
        refreshes: outcomes.refreshes(),
        answers: metrics.answers(),
        counters: metrics.counters(),
        gauges: metrics.gauges(),
    }))
}
