//! `POST /auth/register`

use actix_web::{HttpResponse, web};
use common::{
    actix::refusals::{PayloadTooLarge, UnsupportedMediaType},
    problem::Problem,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{client_address::ClientAddress, problems::invalid_password};
use crate::{
    domain::{
        invite::InviteCode,
        password::Password,
        user::{Email, User, Username},
    },
    service::{
        Deps,
        register::{self as service, Registrant},
    },
};

/// Who wants to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// 3 to 32 of `a`–`z`, `0`–`9`, `.`, `_`, `-`; lower-cased; unique.
    #[schema(example = "ada", pattern = "^[A-Za-z0-9._-]{3,32}$")]
    username: String,
    /// Lower-cased; unique. Whoever has one may log in with it.
    #[schema(format = Email, max_length = 254)]
    email: Option<String>,
    /// At most 71 bytes, without NUL, and hard to guess.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 71)]
    password: SecretString,
    /// The code, where registration is by invitation.
    #[schema(value_type = Option<String>)]
    invite: Option<SecretString>,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub struct UserAnswer {
    /// `sub` in tokens.
    id: Uuid,
    username: String,
    email: Option<String>,
    roles: Vec<String>,
}

impl From<User> for UserAnswer {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.to_string(),
            email: user.email.map(|email| email.as_str().to_owned()),
            roles: user.roles,
        }
    }
}

/// Registers a user.
#[utoipa::path(
    post, path = "/auth/register", tag = "login", request_body = RegisterRequest,
    responses(
        (status = 201, description = "Registered", body = UserAnswer),
        (status = 400, description = "`bad_request`, with the members that are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`registration_closed`, `invite_required` or `invite_invalid`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`username_taken` or `email_taken`", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 422, description = "`weak_password`, with advice", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait for `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn register(
    deps: web::Data<Deps>,
    address: ClientAddress,
    body: web::Json<RegisterRequest>,
) -> Result<HttpResponse, Problem> {
    let RegisterRequest { username, email, password, invite } = body.into_inner();
    let registrant = Registrant {
        username: read_username(&username)?,
        email: email.as_deref().map(read_email).transpose()?,
        password: Password::new(password).map_err(|error| invalid_password("password", error))?,
        invite: invite.map(InviteCode::presented),
        address: address.0,
    };
    let user = service::register(&deps, registrant).await?;
    Ok(HttpResponse::Created().json(UserAnswer::from(user)))
}

pub(super) fn read_username(text: &str) -> Result<Username, Problem> {
    Username::parse(text).map_err(|error| Problem::bad_field("username", error.to_string()))
}

pub(super) fn read_email(text: &str) -> Result<Email, Problem> {
    Email::parse(text).map_err(|error| Problem::bad_field("email", error.to_string()))
}
