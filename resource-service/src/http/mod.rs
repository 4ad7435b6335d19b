//! Requests and answers. No SQL, no decisions: a handler checks the form of what was sent, calls one use case, and
//! writes down what came of it. Who may call it stands in its arguments.

pub mod access;
mod activity;
mod notes;
mod openapi;
mod page_query;
mod problems;
pub mod refusals;
mod shares;
mod stats;
mod whoami;

use actix_web::web;
use common::actix::{
    answers::not_found,
    resource::{delete, get, post, put, resource},
};

pub use openapi::document;

use crate::domain::note::MAX_BODY_BYTES;

/// The largest body of a request, in bytes: a note of the largest size fits, also when its writer escapes every
/// character (`\u0041` for `A`).
pub const BODY_LIMIT: usize = 6 * MAX_BODY_BYTES + 16 * 1024;

/// Registers every public address. Needs `web::Data` of `Verifier`, `Notes`, `Shares` and `Activities`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/api")
            .service(resource("/whoami", [get(whoami::whoami)]))
            .service(resource("/notes", [get(notes::list), post(notes::create)]))
            .service(resource("/notes/{id}", [get(notes::read), put(notes::replace), delete(notes::delete)]))
            .service(resource("/notes/{id}/shares", [get(shares::list), post(shares::share)]))
            .service(resource("/notes/{id}/shares/{user_id}", [delete(shares::unshare)]))
            .service(resource("/shared-notes", [get(shares::shared_with_me)]))
            .service(resource("/activity", [get(activity::activity)]))
            .service(resource("/admin/stats", [get(stats::stats)]))
            .service(resource("/openapi.json", [get(openapi::serve)]))
            .default_service(web::to(not_found)),
    );
}
