//! `POST /auth/login`

use actix_web::{HttpRequest, http::header::USER_AGENT, web};
use common::{
    actix::refusals::{PayloadTooLarge, UnsupportedMediaType},
    problem::{Problem, Status},
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{client_address::ClientAddress, outcomes::Outcomes, problems::invalid_password, token_answer::TokenAnswer};
use crate::{
    domain::{device::device_name, password::Password, session::Mode, user::Identifier},
    service::{
        Deps,
        login::{self as service, LoginRequest as Login},
    },
};

/// Who logs in, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The username, or the e-mail address.
    #[schema(example = "ada")]
    username: String,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 71)]
    password: SecretString,
    /// The password from now on. Needed where the one above is a temporary one. All other sessions of the user end.
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 71)]
    new_password: Option<SecretString>,
    /// `bearer` (the default): access and refresh token. `access_only`: one longer-lived access token.
    #[schema(example = "bearer", pattern = "^(bearer|access_only)$")]
    mode: Option<String>,
}

/// Checks a password and answers with tokens.
#[utoipa::path(
    post, path = "/auth/login", tag = "login", request_body = LoginRequest,
    responses(
        (status = 200, description = "Logged in", body = TokenAnswer),
        (status = 400, description = "`bad_request`, with the members that are wrong, or `unsupported_mode`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`invalid_credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`user_disabled`, `password_change_required` or `password_expired`", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 422, description = "`weak_password`: the new one, with advice", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait for `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds; `password_replaced`: with the new password", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn login(
    deps: web::Data<Deps>,
    outcomes: web::Data<Outcomes>,
    request: HttpRequest,
    address: ClientAddress,
    body: web::Json<LoginRequest>,
) -> Result<TokenAnswer, Problem> {
    let LoginRequest { username, password, new_password, mode } = body.into_inner();
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let login = Login {
        mode: requested_mode(mode.as_deref())?,
        name: username.to_lowercase(),
        identifier: Identifier::parse(&username),
        password: Password::new(password).map_err(|error| invalid_password("password", error))?,
        new_password: new_password
            .map(Password::new)
            .transpose()
            .map_err(|error| invalid_password("new_password", error))?,
        device: device_name(user_agent),
        address: address.0,
    };
    let result = service::login(&deps, login).await;
    outcomes.login(&result);
    Ok(result?.into())
}

fn requested_mode(word: Option<&str>) -> Result<Mode, Problem> {
    match word {
        None => Ok(Mode::Bearer),
        Some("cookie" | "session") => Err(Problem::new(
            Status::BadRequest,
            "unsupported_mode",
            "This mode is not supported here; the modes are bearer and access_only",
        )),
        Some(word) => word.parse().map_err(|_| Problem::bad_field("mode", "must be bearer or access_only")),
    }
}
