//! `POST /auth/refresh`

use actix_web::{HttpRequest, HttpResponse, web};
use common::{
    actix::{
        answers::OptionalJson,
        bearer,
        cookies::cookie,
        csrf,
        refusals::{PayloadTooLarge, UnsupportedMediaType},
    },
    browser::Cookie,
    problem::{Problem, Status},
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    admission::{LoginAnswer, admitted},
    client_address::ClientAddress,
    outcomes::Outcomes,
};
use crate::service::{
    Deps,
    refresh::{self as service, Presented},
};

/// A refresh token. It may come as `Authorization: Bearer …` instead, or in its cookie.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

/// The one token of a request, where it was put there on purpose: in the body or in the header, not in both.
pub(super) fn given_token(
    request: &HttpRequest,
    body: OptionalJson<RefreshRequest>,
) -> Result<Option<SecretString>, Problem> {
    let in_body = body.0.map(|body| body.refresh_token);
    let in_header = bearer::optional_token(request.headers())?.map(|token| SecretString::from(token.to_owned()));
    match (in_body, in_header) {
        (Some(_), Some(_)) => Err(Problem::new(
            Status::BadRequest,
            "bad_request",
            "There is a token in the body and another in the header",
        )),
        (token, None) | (None, token) => Ok(token),
    }
}

/// The token of a request; the cookie's, where there is no other.
fn presented(request: &HttpRequest, body: OptionalJson<RefreshRequest>, deps: &Deps) -> Result<Presented, Problem> {
    if let Some(token) = given_token(request, body)? {
        return Ok(Presented { token, csrf: None });
    }
    let (headers, site) = (request.headers(), deps.policy.site.as_ref().ok_or_else(bearer::missing_token)?);
    let token = cookie(headers, site.cookie(Cookie::RefreshToken))?.ok_or_else(bearer::missing_token)?;
    let csrf = csrf::presented(headers, site)?;
    Ok(Presented { token: token.to_owned().into(), csrf: Some(csrf.to_owned().into()) })
}

/// Answers with a fresh access token. Keep the refresh token of the answer in place of the one that was sent; an answer
/// that got lost may be asked for again at any time. In mode `cookie` the browser does both, and no answer but a good one
/// touches its cookies.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "login", request_body = Option<RefreshRequest>,
    responses(
        (status = 200, description = "Refreshed; in mode `cookie` with `Set-Cookie`", body = LoginAnswer),
        (status = 400, description = "`bad_request`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`login_required`: the session is over. `token_reused`: a used token came back, so the session was ended for everybody", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`csrf_failed`: with a cookie, and not shown to come from this site", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 503, description = "`retry`: try again after `Retry-After` seconds, with the same token", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("refresh_token" = []), ("refresh_cookie" = []))
)]
pub async fn refresh(
    deps: web::Data<Deps>,
    outcomes: web::Data<Outcomes>,
    request: HttpRequest,
    address: ClientAddress,
    body: OptionalJson<RefreshRequest>,
) -> Result<HttpResponse, Problem> {
    let presented = presented(&request, body, &deps)?;
    let result = service::refresh(&deps, &presented, address.0).await;
    outcomes.refresh(&result);
    admitted(&deps, result?.answer)
}
