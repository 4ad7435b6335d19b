//! Requests and answers. No SQL, no Redis, no decisions: a handler checks the form of what was sent, calls one use
//! case, and writes down what came of it.

mod admin;
mod administrator;
mod admission;
mod client_address;
mod csrf;
mod docs;
mod fresh;
mod internal;
mod jwks;
mod login;
mod logout;
mod me;
mod oauth;
mod openapi;
mod outcomes;
mod password;
mod problems;
mod reauth;
mod refresh;
mod refusals;
mod register;
mod sessions;
mod set_cookies;
mod shown;
mod signed_in;
mod token_answer;

use actix_web::{http::header, middleware::DefaultHeaders, web};
use common::actix::resource::{delete, get, patch, post, resource};

pub use admin::{audit::AuditAnswer, metrics::Instance};
pub use client_address::TrustedProxies;
pub use internal::internal_routes;
pub use openapi::document;
pub use outcomes::Outcomes;

/// The largest body of a request to auth-service, in bytes.
pub const BODY_LIMIT: usize = 8 * 1024;

/// Registers every public address. Needs `web::Data` of `Deps`, [`Outcomes`], [`Instance`] and [`TrustedProxies`].
pub fn routes(config: &mut web::ServiceConfig) {
    // What these answer is for one client and one moment (RFC 6749, section 5.1).
    let no_store = || DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store"));
    let auth = web::scope("/auth")
        .wrap(no_store())
        .service(resource("/register", [post(register::register)]))
        .service(resource("/login", [post(login::login)]))
        .service(resource("/refresh", [post(refresh::refresh)]))
        .service(resource("/logout", [post(logout::logout)]))
        .service(resource("/logout-all", [post(logout::logout_all)]))
        .service(resource("/csrf", [get(csrf::csrf)]))
        .service(resource("/me", [get(me::me), patch(me::change), delete(me::remove)]))
        .service(resource("/sessions", [get(sessions::list)]))
        .service(resource("/sessions/{sid}", [delete(sessions::end)]))
        .service(resource("/password", [post(password::change)]))
        .service(resource("/reauth", [post(reauth::reauthenticate)]))
        .default_service(web::to(common::actix::answers::not_found));
    let admin = web::scope("/admin")
        .wrap(no_store())
        .service(resource("/audit", [get(admin::audit::list)]))
        .service(resource("/clients", [get(admin::clients::list), post(admin::clients::add)]))
        .service(resource(
            "/clients/{id}",
            [get(admin::clients::read), patch(admin::clients::change), delete(admin::clients::remove)],
        ))
        .service(resource("/clients/{id}/secret", [post(admin::clients::new_secret)]))
        .service(resource("/keys", [get(admin::keys::list)]))
        .service(resource("/metrics", [get(admin::metrics::read)]))
        .service(resource("/users", [get(admin::users::list)]))
        .service(resource(
            "/users/{id}",
            [get(admin::users::read), patch(admin::users::change), delete(admin::users::remove)],
        ))
        .service(resource("/users/{id}/password", [post(admin::password::give)]))
        .service(resource(
            "/users/{id}/sessions",
            [get(admin::users::sessions::list), delete(admin::users::sessions::end)],
        ))
        .default_service(web::to(common::actix::answers::not_found));
    config
        .service(auth)
        .service(admin)
        .service(oauth::scope())
        .service(resource("/.well-known/jwks.json", [get(jwks::jwks)]))
        .service(resource("/.well-known/oauth-authorization-server", [get(oauth::metadata::metadata)]))
        .service(resource("/openapi.json", [get(openapi::serve)]))
        .service(resource("/docs", [get(docs::enter)]))
        .service(resource("/docs/{file:.*}", [get(docs::serve)]));
}
