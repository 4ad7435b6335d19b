//! `POST /oauth/token`

use actix_web::{Responder, web};
use common::scope::Scope;
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::{BasicCredentials, Caller},
    errors::OAuthError,
    form::Form,
    refusals::{InvalidClient, Throttled, TooLarge, Unavailable},
};
use crate::{
    domain::{client::Client, exchange::Wanted},
    http::{client_address::ClientAddress, outcomes::Outcomes, token_answer::TokenAnswer},
    service::{
        Deps, client_credentials::client_credentials, exchange_token::exchange_token, grant::Grant,
        refresh::refresh_grant,
    },
};

pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The form of a token request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form is read parameter by parameter; this says which there are")]
pub struct TokenForm {
    /// `client_credentials` (RFC 6749, section 4.4), `refresh_token` (section 6) or
    /// `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693).
    grant_type: String,
    /// What the token shall allow, words divided by spaces: at most what there is to give, which is also what is given
    /// when nothing is said.
    scope: Option<String>,
    /// `refresh_token`: the refresh token of a login.
    refresh_token: Option<String>,
    /// Token exchange: the user's access token that the client was sent.
    subject_token: Option<String>,
    /// Token exchange: always `urn:ietf:params:oauth:token-type:access_token`.
    subject_token_type: Option<String>,
    /// Token exchange: the same, or left out.
    requested_token_type: Option<String>,
    /// Token exchange: a service that the token shall be for; may come more than once.
    audience: Option<String>,
    /// The client, where it does not say so by HTTP Basic. `first-party` for `refresh_token`, or left out.
    client_id: Option<String>,
    /// Its secret, with `client_id`.
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, with `client_assertion`.
    client_assertion_type: Option<String>,
    /// A JWT that the client has signed (RFC 7523, section 2.2).
    client_assertion: Option<String>,
}

/// A token answer (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
pub struct OAuthTokenAnswer {
    #[serde(flatten)]
    tokens: TokenAnswer,
    /// After a token exchange: what was issued (RFC 8693, section 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    issued_token_type: Option<&'static str>,
}

impl From<Grant> for OAuthTokenAnswer {
    fn from(grant: Grant) -> Self {
        Self { tokens: grant.into(), issued_token_type: None }
    }
}

/// A token for a service itself, for a user whose refresh token there is, or for a service that acts for a user.
///
/// A client shows who it is by HTTP Basic, by `client_id` and `client_secret` in the form, or by an assertion. A refresh
/// token is enough in itself.
#[utoipa::path(
    post, path = "/oauth/token", tag = "services",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token, with a refresh token only after `refresh_token`", body = OAuthTokenAnswer),
        (status = 400, description = "`invalid_request`, `unsupported_grant_type`, `unauthorized_client`, `invalid_grant`, `invalid_scope` or `invalid_target`", body = OAuthError),
        InvalidClient, TooLarge, Throttled, Unavailable,
    ),
    security((), ("client" = []))
)]
pub async fn token(
    deps: web::Data<Deps>,
    outcomes: web::Data<Outcomes>,
    basic: BasicCredentials,
    address: ClientAddress,
    form: Form,
) -> Result<impl Responder, OAuthError> {
    let grant_type = form.get("grant_type").ok_or(OAuthError::invalid_request("grant_type is missing"))?;
    let caller = Caller::of(&deps, basic, &form, address.0).await?;
    let answer: OAuthTokenAnswer = match grant_type {
        "client_credentials" => client_credentials(&deps, &caller.confidential()?, scope(&form)?.as_ref())?.into(),
        "refresh_token" => {
            let (token, scope) = (refresh_token(&caller, &form)?, scope(&form)?);
            let result = refresh_grant(&deps, token, scope.as_ref(), address.0).await;
            outcomes.refresh(&result);
            result?.answer.into()
        }
        TOKEN_EXCHANGE => exchange(&deps, &caller.confidential()?, &form).await?,
        _ => return Err(OAuthError::unsupported_grant_type()),
    };
    Ok(web::Json(answer))
}

fn scope(form: &Form) -> Result<Option<Scope>, OAuthError> {
    form.get("scope").map(str::parse).transpose().map_err(|_| OAuthError::invalid_scope())
}

/// Refresh tokens are issued to the built-in client alone.
fn refresh_token(caller: &Caller, form: &Form) -> Result<SecretString, OAuthError> {
    if let Caller::Confidential(_) = caller {
        return Err(OAuthError::invalid_grant("The refresh token was issued to another client"));
    }
    let token = form.get("refresh_token").ok_or(OAuthError::invalid_request("refresh_token is missing"))?;
    Ok(SecretString::from(token.to_owned()))
}

async fn exchange(deps: &Deps, client: &Client, form: &Form) -> Result<OAuthTokenAnswer, OAuthError> {
    if form.get("actor_token").or(form.get("actor_token_type")).is_some() {
        return Err(OAuthError::invalid_request("The client itself is the actor; there is no actor_token"));
    }
    let is_access_token = |name| form.get(name).is_none_or(|token_type| token_type == ACCESS_TOKEN);
    if form.get("subject_token_type").is_none() || !is_access_token("subject_token_type") {
        return Err(OAuthError::invalid_request(
            "subject_token_type must be urn:ietf:params:oauth:token-type:access_token",
        ));
    }
    if !is_access_token("requested_token_type") {
        return Err(OAuthError::invalid_request(
            "requested_token_type can be urn:ietf:params:oauth:token-type:access_token only",
        ));
    }
    let subject = form.get("subject_token").ok_or(OAuthError::invalid_request("subject_token is missing"))?;
    if form.get("resource").is_some() {
        return Err(OAuthError::invalid_target());
    }
    let wanted = Wanted { scope: scope(form)?, audiences: form.all("audience").map(str::to_owned).collect() };
    let grant = exchange_token(deps, client, subject, &wanted).await?;
    Ok(OAuthTokenAnswer { issued_token_type: Some(ACCESS_TOKEN), ..grant.into() })
}
