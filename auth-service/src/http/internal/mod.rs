//! What other services ask auth-service. On the internal listener only, and with a service token.

mod deleted_users;
mod revocations;
mod users;
mod verify;

use actix_web::{HttpRequest, middleware::from_fn, web};
use common::{
    actix::{
        bearer,
        resource::{get, resource},
    },
    problem::{Problem, Status},
    telemetry::observe::observe,
};

use crate::service::{Deps, authenticate_service::authenticate_service};

/// Registers the addresses. Needs `web::Data` of `Deps`, [`RevocationFeed`](crate::service::revocation_feed::RevocationFeed)
/// and [`Stopping`](common::server::Stopping).
pub fn internal_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/internal/revocations", [get(revocations::revocations)]))
        .service(resource("/internal/deleted-users", [get(deleted_users::deleted_users)]))
        .service(resource("/auth/verify", [get(verify::told)]))
        .service(web::resource("/auth/verify/{original:.*}").to(verify::repeated))
        // The others are asked all the time, by nobody in particular.
        .service(resource("/internal/users", [get(users::find)]).wrap(from_fn(observe)));
}

/// 410 for a place that there is not, or not any more.
fn cursor_unknown(what: &str) -> Problem {
    let detail = format!("The {what} does not know this cursor: ask without one");
    Problem::new(Status::Gone, "cursor_unknown", detail)
}

/// 401 or 403, unless a service asks that may do what `scope` says.
async fn require_service(deps: &Deps, request: &HttpRequest, scope: &'static str) -> Result<(), Problem> {
    let allowed = authenticate_service(deps, bearer::token(request.headers())?).await?;
    if allowed.contains(scope) { Ok(()) } else { Err(bearer::insufficient_scope(scope)) }
}
