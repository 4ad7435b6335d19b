//! The tokens that a session is answered with.

use std::time::Duration;

use common::{
    claims::{AccessClaims, UserClaims},
    clock::Timestamp,
    scope::Scope,
};
use secrecy::SecretString;

use super::{Deps, Trouble};
use crate::{
    crypto::{access_tokens::SignError, jws::SigningFailed},
    domain::session::{Mode, Session},
    ports::StoreError,
};

/// A successful answer of login and refresh (RFC 6749, section 5.1).
#[derive(Debug, Clone)]
pub struct Grant {
    /// The access token.
    pub access_token: SecretString,
    /// How long it lives.
    pub expires_in: Duration,
    /// The refresh token, where the session's mode has one.
    pub refresh_token: Option<SecretString>,
    /// What the access token allows.
    pub scope: Scope,
}

impl From<SigningFailed> for Trouble {
    fn from(_: SigningFailed) -> Self {
        Self::Internal("a token could not be signed")
    }
}

impl From<SignError> for Trouble {
    fn from(error: SignError) -> Self {
        match error {
            SignError::NoKey => StoreError::Unavailable(error.to_string()).into(),
            SignError::Failed(failed) => failed.into(),
        }
    }
}

/// A fresh access token for `session` that allows `scope`, with the refresh token to go with it. `iat` is `now`, the instant at which the
/// session was decided to be alive.
pub(super) fn grant(
    deps: &Deps,
    session: &Session,
    scope: &Scope,
    refresh_token: Option<SecretString>,
    now: Timestamp,
) -> Result<Grant, Trouble> {
    let ttl = match session.mode {
        Mode::Bearer | Mode::Cookie | Mode::Session => deps.policy.access_ttl,
        Mode::AccessOnly => deps.policy.access_only_ttl,
    };
    let expires_in = ttl.min(session.absolute_expiry.since(now));
    let claims = UserClaims {
        iss: deps.policy.issuer.clone(),
        aud: deps.policy.audiences_with(deps.policy.audiences.iter().map(String::as_str)),
        sub: session.user.0,
        client_id: session.client_id.clone(),
        exp: (now + expires_in).seconds(),
        iat: now.seconds(),
        nbf: None,
        jti: String::new(),
        sid: session.id.0,
        scope: scope.clone(),
        roles: session.roles.clone(),
        auth_time: session.authenticated_at.seconds(),
        act: None,
    };
    Ok(Grant {
        access_token: deps.access_tokens.sign(AccessClaims::User(claims), &*deps.rng)?,
        expires_in: Duration::from_secs(expires_in.as_secs()),
        refresh_token,
        scope: scope.clone(),
    })
}
