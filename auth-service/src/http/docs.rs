//! `GET /docs`: both services' documents in Swagger UI, served from the binary.

use std::sync::{Arc, LazyLock};

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_SECURITY_POLICY, LOCATION},
    web,
};
use common::problem::Problem;
use utoipa_swagger_ui::{Config, Url};

/// Swagger UI sets styles on elements and draws its icons from `data:` addresses; scripts come from here alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let urls = [Url::new("auth-service", "/openapi.json"), Url::new("resource-service", "/api/openapi.json")];
    Arc::new(Config::new(urls).try_it_out_enabled(true).persist_authorization(false))
});

/// Relative addresses on the page need the slash.
pub(super) async fn enter() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}

pub(super) async fn serve(file: web::Path<String>) -> Result<HttpResponse, Problem> {
    let file = utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(%error, "a page of the documentation cannot be served");
        Problem::internal()
    })?;
    let file = file.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .content_type(file.content_type)
        .body(file.bytes.into_owned()))
}
