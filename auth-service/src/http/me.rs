//! `/auth/me`: the user's own account.

use actix_web::{HttpResponse, web};
use common::{
    actix::refusals::{PayloadTooLarge, UnsupportedMediaType},
    problem::Problem,
};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{
    client_address::ClientAddress,
    fresh::Fresh,
    logout::{PendingAnswer, applied},
    refusals::{BadMembers, NotByUser, NotLately, TwoLogins, Unauthenticated, Unavailable},
    register::{UserAnswer, read_email, read_username},
    set_cookies::ended,
    signed_in::{ActedFor, SignedIn},
};
use crate::{
    domain::user::{NewEmail, Renaming, Username},
    service::{Deps, delete_account::delete_account, profile, rename},
};

/// What is to change (RFC 7396): a member that is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MePatch {
    /// 3 to 32 of `a`–`z`, `0`–`9`, `.`, `_`, `-`; lower-cased; unique.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._-]{3,32}$")]
    username: Member,
    /// Lower-cased; unique. `null` takes it away.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Email, max_length = 254)]
    email: Member,
}

/// A member that may be missing, and may be null, which is not the same.
#[derive(Default)]
enum Member {
    #[default]
    Missing,
    Null,
    Text(String),
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Text))
    }
}

/// The user who asks, or for whom a service does.
#[utoipa::path(
    get, path = "/auth/me", tag = "account",
    responses(
        (status = 200, description = "The user", body = UserAnswer),
        TwoLogins, Unauthenticated,
        (status = 403, description = "`users_only`: a service asks for itself", body = Problem, content_type = "application/problem+json"),
        Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn me(deps: web::Data<Deps>, current: ActedFor) -> Result<web::Json<UserAnswer>, Problem> {
    Ok(web::Json(profile::profile(&deps, &current.0).await?.into()))
}

/// Changes the username, the e-mail address, or both. Sessions go on.
#[utoipa::path(
    patch, path = "/auth/me", tag = "account", request_body = MePatch,
    responses(
        (status = 200, description = "The user as they are now", body = UserAnswer),
        BadMembers, NotLately, NotByUser,
        (status = 409, description = "`username_taken` or `email_taken`", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 429, description = "`too_many_attempts`: wait for `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn change(
    deps: web::Data<Deps>,
    current: Fresh<SignedIn>,
    address: ClientAddress,
    body: web::Json<MePatch>,
) -> Result<web::Json<UserAnswer>, Problem> {
    let MePatch { username, email } = body.into_inner();
    let renaming = Renaming { username: new_username(username)?, email: new_email(email)? };
    let session = current.0.session;
    Ok(web::Json(rename::rename(&deps, &session, renaming, address.0).await?.into()))
}

fn new_username(member: Member) -> Result<Option<Username>, Problem> {
    match member {
        Member::Missing => Ok(None),
        Member::Null => Err(Problem::bad_field("username", "cannot be taken away")),
        Member::Text(text) => read_username(&text).map(Some),
    }
}

fn new_email(member: Member) -> Result<Option<NewEmail>, Problem> {
    match member {
        Member::Missing => Ok(None),
        Member::Null => Ok(Some(NewEmail::None)),
        Member::Text(text) => Ok(Some(NewEmail::Address(read_email(&text)?))),
    }
}

/// Deletes the account for good. All sessions end, and services that follow deletions forget what they keep of the user.
#[utoipa::path(
    delete, path = "/auth/me", tag = "account",
    responses(
        (status = 202, description = "Deleted; the sessions end as soon as the session store can be reached", body = PendingAnswer),
        (status = 204, description = "Deleted; the sessions are over"),
        TwoLogins, NotLately, NotByUser, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn remove(
    deps: web::Data<Deps>,
    current: Fresh<SignedIn>,
    address: ClientAddress,
) -> Result<HttpResponse, Problem> {
    let current = current.0;
    let response = applied(delete_account(&deps, &current.session, address.0).await?);
    Ok(ended(response, deps.policy.site.as_ref(), &current.shown))
}
