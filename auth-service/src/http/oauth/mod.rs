//! What services ask of the authorization server, in the forms of its standards: requests are forms, errors are those of
//! RFC 6749, section 5.2.

mod caller;
mod errors;
mod form;
pub mod introspect;
pub mod metadata;
mod refusals;
pub mod revoke;
pub mod token;
mod token_form;

use actix_web::{
    dev::HttpServiceFactory,
    http::header,
    middleware::DefaultHeaders,
    web::{self, PayloadConfig},
};
use common::actix::resource::{post, resource};

/// The largest form, in bytes: a token to be exchanged and an assertion fit, also when every character is escaped.
const FORM_LIMIT: usize = 32 * 1024;

/// The addresses under `/oauth`.
pub(super) fn scope() -> impl HttpServiceFactory {
    web::scope("/oauth")
        // RFC 6749, section 5.1: for one client and one moment.
        .wrap(DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store")).add((header::PRAGMA, "no-cache")))
        .app_data(PayloadConfig::new(FORM_LIMIT))
        .service(resource("/token", [post(token::token)]))
        .service(resource("/introspect", [post(introspect::introspect)]))
        .service(resource("/revoke", [post(revoke::revoke)]))
        .default_service(web::to(common::actix::answers::not_found))
}
