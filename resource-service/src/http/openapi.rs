//! `GET /api/openapi.json`: the document is made from the handlers, so it cannot be about other ones.

use actix_web::HttpResponse;
use common::problem::Problem;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{activity, notes, shares, stats, whoami};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey resource-service",
        description = "Keeps notes. Errors are problem documents (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        whoami::whoami, notes::list, notes::create, notes::read, notes::replace, notes::delete, shares::list,
        shares::share, shares::unshare, shares::shared_with_me, activity::activity, stats::stats,
    ),
    components(schemas(Problem)),
    tags(
        (name = "identity", description = "Who is asking"),
        (name = "notes", description = "The user's own notes, and those of others that are shown to the user"),
        (name = "admin", description = "For administrators"),
    ),
    modifiers(&AccessToken),
)]
struct Document;

struct AccessToken;

impl Modify for AccessToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("From auth-service: login or refresh."))
            .build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("access_token", SecurityScheme::Http(scheme));
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
