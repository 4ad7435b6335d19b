//! `POST /auth/password`

use actix_web::{HttpResponse, web};
use common::{
    actix::refusals::{PayloadTooLarge, UnsupportedMediaType},
    browser::Cookie,
    problem::Problem,
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    client_address::ClientAddress,
    logout::{PendingAnswer, applied},
    problems::invalid_password,
    set_cookies::{set, with_cookies},
    signed_in::SignedIn,
};
use crate::{
    domain::password::Password,
    service::{Deps, change_password as service},
};

/// The password as it is and as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 71)]
    current_password: SecretString,
    /// At most 71 bytes, without NUL, and hard to guess.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 71)]
    new_password: SecretString,
}

/// Changes the password and ends the user's other sessions.
#[utoipa::path(
    post, path = "/auth/password", tag = "account", request_body = PasswordRequest,
    responses(
        (status = 202, description = "Changed; the other sessions end as soon as the session store can be reached", body = PendingAnswer),
        (status = 204, description = "Changed; the other sessions are over"),
        (status = 400, description = "`bad_request`, with the members that are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`missing_token`, `invalid_token`, `token_expired` or `login_required`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`wrong_password`", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType,
        (status = 422, description = "`weak_password`, with advice", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait for `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = []))
)]
pub async fn change(
    deps: web::Data<Deps>,
    current: SignedIn,
    address: ClientAddress,
    body: web::Json<PasswordRequest>,
) -> Result<HttpResponse, Problem> {
    let PasswordRequest { current_password, new_password } = body.into_inner();
    let old = Password::new(current_password).map_err(|error| invalid_password("current_password", error))?;
    let new = Password::new(new_password).map_err(|error| invalid_password("new_password", error))?;
    let SignedIn { session, shown } = current;
    let (done, cookie) = service::change_password(&deps, &session, &shown, old, new, address.0).await?;
    let renewed = deps.policy.site.as_ref().zip(cookie).map(|(site, cookie)| {
        let ends_in = session.absolute_expiry.since(deps.clock.now());
        set(site, Cookie::Session, &cookie.value(), ends_in)
    });
    Ok(with_cookies(applied(done), renewed))
}
