//! `GET /openapi.json`: the document is made from the handlers, so it cannot be about other ones.

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{admin, csrf, jwks, login, logout, me, oauth, password, reauth, refresh, register, sessions};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey auth-service",
        description = "Logs users in, refreshes and revokes their sessions. Errors are problem documents (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        register::register, login::login, refresh::refresh, csrf::csrf, logout::logout, logout::logout_all, reauth::reauthenticate,
        me::me, me::change, me::remove, sessions::list, sessions::end, password::change, oauth::token::token,
        oauth::introspect::introspect, oauth::revoke::revoke, oauth::metadata::metadata, admin::clients::list,
        admin::clients::add, admin::clients::read, admin::clients::change, admin::clients::remove,
        admin::clients::new_secret, admin::audit::list, admin::keys::list, admin::metrics::read, admin::users::list,
        admin::users::read, admin::users::change, admin::users::remove, admin::users::sessions::list,
        admin::users::sessions::end, admin::password::give, jwks::jwks,
    ),
    tags((name = "login", description = "From a password to tokens and back"), (name = "account", description = "The user's own things"), (name = "services", description = "Tokens for services themselves (RFC 6749)"), (name = "keys", description = "What tokens are verified with"), (name = "admin", description = "For the role `admin`")),
    modifiers(&Tokens),
)]
struct Document;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        for (name, description) in
            [("access_token", "From login or refresh."), ("refresh_token", "From login or the last refresh.")]
        {
            let scheme = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some(description))
                .build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
        for (name, cookie, description) in [
            (
                "access_cookie",
                "__Host-lk_at",
                "From login in mode `cookie`; beside it `X-CSRF-Token` for what changes something.",
            ),
            (
                "refresh_cookie",
                "__Secure-lk_rt",
                "From login or the last refresh in mode `cookie`, beside `X-CSRF-Token`.",
            ),
            (
                "session_cookie",
                "__Host-lk_sid",
                "From login in mode `session`; beside it `X-CSRF-Token` for what changes something.",
            ),
        ] {
            let scheme = ApiKey::Cookie(ApiKeyValue::with_description(cookie, description));
            components.add_security_scheme(name, SecurityScheme::ApiKey(scheme));
        }
        let client = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some("A client's id and secret."));
        components.add_security_scheme("client", SecurityScheme::Http(client.build()));
    }
}

/// The document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub(super) async fn serve() -> HttpResponse {
    HttpResponse::Ok().json(document())
}
