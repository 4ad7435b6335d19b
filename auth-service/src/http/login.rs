//! `POST /auth/login`

use actix_web::{HttpRequest, HttpResponse, http::header::USER_AGENT, web};
use common::{
    actix::{
        csrf,
        refusals::{PayloadTooLarge, UnsupportedMediaType},
    },
    problem::Problem,
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    admission::{LoginAnswer, logged_in, no_such_mode},
    client_address::ClientAddress,
    outcomes::Outcomes,
    problems::invalid_password,
};
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
    /// `bearer` (the default): access and refresh token. `access_only`: one longer-lived access token. `cookie`: both tokens in cookies that
    /// no script can read. `session`: one such cookie, which the gateway swaps for a token.
    #[schema(example = "bearer", pattern = "^(bearer|access_only|cookie|session)$")]
    mode: Option<String>,
}

/// Checks a password and answers with tokens.
#[utoipa::path(
    post, path = "/auth/login", tag = "login", request_body = LoginRequest,
    responses(
        (status = 200, description = "Logged in; in modes `cookie` and `session` with `Set-Cookie`", body = LoginAnswer),
        (status = 400, description = "`bad_request`, with the members that are wrong, or `unsupported_mode`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`invalid_credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`user_disabled`, `password_change_required`, `password_expired`, or `csrf_failed`: another site asks for cookies", body = Problem, content_type = "application/problem+json"),
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
) -> Result<HttpResponse, Problem> {
    let LoginRequest { username, password, new_password, mode } = body.into_inner();
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let login = Login {
        mode: requested_mode(&request, &deps, mode.as_deref())?,
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
    logged_in(&deps, result?)
}

fn requested_mode(request: &HttpRequest, deps: &Deps, word: Option<&str>) -> Result<Mode, Problem> {
    let mode = match word {
        None => Mode::Bearer,
        Some(word) => {
            word.parse().map_err(|_| Problem::bad_field("mode", "must be bearer, access_only, cookie or session"))?
        }
    };
    if !deps.policy.modes.contains(&mode) {
        return Err(no_such_mode());
    }
    if mode.has_cookies() {
        let site = deps.policy.site.as_ref().ok_or_else(no_such_mode)?;
        // Another site must not log a browser in as somebody of its choosing.
        if csrf::begun(request.headers(), site) == csrf::Begun::Elsewhere {
            return Err(csrf::csrf_failed("The login does not come from a page of this site"));
        }
    }
    Ok(mode)
}
