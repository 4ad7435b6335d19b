//! `GET /.well-known/jwks.json`

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, CacheControl, CacheDirective, ETag, EntityTag, Header, IfNoneMatch},
    web,
};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{jwk::JwkSet, problem::Problem};

use super::problems::not_yet;
use crate::service::Deps;

/// The public keys that access tokens are verified with: the next one, the one that signs, and those whose tokens may
/// be alive. Empty where HS256 alone has signed.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "keys",
    responses(
        (status = 200, description = "The keys (RFC 7517). May be kept as long as `Cache-Control` says: a key is here for longer than that before it signs", body = JwkSet, content_type = "application/jwk-set+json"),
        (status = 304, description = "They are those of `If-None-Match`"),
        (status = 503, description = "`unavailable`: the keys have not been read yet; try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn jwks(deps: web::Data<Deps>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let keys = deps.access_tokens.published(deps.clock.now()).ok_or_else(not_yet)?;
    let body = serde_json::to_string(&keys).map_err(|_| Problem::internal())?;
    let tag = EntityTag::new_strong(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, body.as_bytes())));
    let max_age = u32::try_from(deps.policy.jwks_max_age.as_secs()).unwrap_or(u32::MAX);
    let unchanged = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|it| it.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut answer = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header(CacheControl(vec![CacheDirective::Public, CacheDirective::MaxAge(max_age)]))
        .insert_header(ETag(tag));
    if unchanged {
        return Ok(answer.finish());
    }
    Ok(answer.insert_header((header::CONTENT_TYPE, "application/jwk-set+json")).body(body))
}
