//! `POST /auth/refresh`

use actix_web::{HttpRequest, web};
use common::{
    actix::{
        answers::OptionalJson,
        bearer,
        refusals::{PayloadTooLarge, UnsupportedMediaType},
    },
    problem::{Problem, Status},
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{client_address::ClientAddress, outcomes::Outcomes, token_answer::TokenAnswer};
use crate::service::{Deps, refresh as service};

/// A refresh token. It may come as `Authorization: Bearer …` instead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

/// The one token of a request: in the body or in the header, not in both.
pub(super) fn presented_token(
    request: &HttpRequest,
    body: OptionalJson<RefreshRequest>,
) -> Result<SecretString, Problem> {
    let in_body = body.0.map(|body| body.refresh_token);
    let in_header = bearer::optional_token(request.headers())?.map(|token| SecretString::from(token.to_owned()));
    match (in_body, in_header) {
        (Some(_), Some(_)) => Err(Problem::new(
            Status::BadRequest,
            "bad_request",
            "There is a token in the body and another in the header",
        )),
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (None, None) => Err(bearer::missing_token()),
    }
}

/// Answers with a fresh access token. Keep the refresh token of the answer in place of the one that was sent; an answer
/// that got lost may be asked for again at any time.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "login", request_body = Option<RefreshRequest>,
    responses(
        (status = 200, description = "Refreshed", body = TokenAnswer),
        (status = 400, description = "`bad_request`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`login_required`: the session is over. `token_reused`: a used token came back, so the session was ended for everybody", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 503, description = "`retry`: try again after `Retry-After` seconds, with the same token", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("refresh_token" = []))
)]
pub async fn refresh(
    deps: web::Data<Deps>,
    outcomes: web::Data<Outcomes>,
    request: HttpRequest,
    address: ClientAddress,
    body: OptionalJson<RefreshRequest>,
) -> Result<TokenAnswer, Problem> {
    let token = presented_token(&request, body)?;
    let result = service::refresh(&deps, &token, None, address.0).await;
    outcomes.refresh(&result);
    Ok(result?.grant.into())
}
