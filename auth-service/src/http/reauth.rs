//! `POST /auth/reauth`

use actix_web::{HttpResponse, web};
use common::{
    actix::refusals::{PayloadTooLarge, UnsupportedMediaType},
    problem::Problem,
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    admission::{LoginAnswer, admitted},
    client_address::ClientAddress,
    problems::invalid_password,
    signed_in::SignedIn,
};
use crate::{
    domain::password::Password,
    service::{Deps, reauthenticate as service},
};

/// The password, once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReauthRequest {
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 71)]
    password: SecretString,
}

/// Answers with an access token whose `auth_time` is now, for routes that ask for a recent password.
#[utoipa::path(
    post, path = "/auth/reauth", tag = "login", request_body = ReauthRequest,
    responses(
        (status = 200, description = "An access token without a refresh token: the session keeps its own. In mode `session` a new cookie", body = LoginAnswer),
        (status = 400, description = "`bad_request`, with the members that are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`missing_token`, `invalid_token`, `token_expired` or `login_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`wrong_password`", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 429, description = "`too_many_attempts`: wait for `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = []))
)]
pub async fn reauthenticate(
    deps: web::Data<Deps>,
    current: SignedIn,
    address: ClientAddress,
    body: web::Json<ReauthRequest>,
) -> Result<HttpResponse, Problem> {
    let password = Password::new(body.into_inner().password).map_err(|error| invalid_password("password", error))?;
    let SignedIn { session, shown } = current;
    admitted(&deps, service::reauthenticate(&deps, &session, &shown, password, address.0).await?)
}
