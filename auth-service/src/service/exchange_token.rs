//! A service that was sent a user's token asks for one to act for that user elsewhere (RFC 8693).

use std::time::Duration;

use common::{claims::AccessClaims, verifier::TokenError};

use super::{
    Deps, Trouble,
    authenticate::{AuthenticateError, as_of_now, of_user},
    grant::Grant,
};
use crate::domain::{
    client::{Client, GrantType},
    exchange::{ExchangeRefusal, Wanted, decide_exchange},
};

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The client may not ask for this kind of token.
    #[error("the client may not use this grant")]
    UnauthorizedClient,
    /// The subject token is not believed, or its session is over (RFC 8693, section 2.2.2).
    #[error("the subject token is not valid")]
    InvalidSubject(AuthenticateError),
    /// It may not become the token that was asked for.
    #[error(transparent)]
    Refused(#[from] ExchangeRefusal),
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<AuthenticateError> for ExchangeError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Trouble(trouble) => Self::Trouble(trouble),
            error => Self::InvalidSubject(error),
        }
    }
}

/// A token with which `client` acts for the user of `subject_token`.
pub async fn exchange_token(
    deps: &Deps,
    client: &Client,
    subject_token: &str,
    wanted: &Wanted,
) -> Result<Grant, ExchangeError> {
    if !client.may_use(GrantType::TokenExchange) {
        return Err(ExchangeError::UnauthorizedClient);
    }
    let subject = deps.access_tokens.verify(subject_token).map_err(AuthenticateError::from)?;
    let subject = of_user(&subject).map_err(AuthenticateError::from)?;
    let (subject, session) = as_of_now(deps, subject).await?;
    let now = deps.clock.now();
    let claims = decide_exchange(&subject, client, wanted, now)?;
    let seconds = u64::try_from(claims.exp - now.seconds()).unwrap_or(0);
    if seconds == 0 {
        return Err(ExchangeError::InvalidSubject(TokenError::Expired.into()));
    }
    let scope = claims.scope.clone();
    tracing::info!(client = %client.id, user = %session.user, session = %session.id, %scope, "exchanged a token");
    let access_token = deps.access_tokens.sign(AccessClaims::User(claims), &*deps.rng).map_err(Trouble::from)?;
    Ok(Grant { access_token, expires_in: Duration::from_secs(seconds), refresh_token: None, scope })
}
