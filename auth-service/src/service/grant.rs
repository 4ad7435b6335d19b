//! What a session is answered with. Its own mode decides that, never how the request came.

use std::time::Duration;

use common::{
    browser::csrf_claim,
    claims::{AccessClaims, UserClaims},
    clock::Timestamp,
    scope::Scope,
};
use secrecy::{ExposeSecret, SecretString};

use super::{Deps, Trouble};
use crate::{
    crypto::{access_tokens::SignError, jws::SigningFailed},
    domain::{
        session::{Mode, Session},
        session_cookie::SessionCookie,
    },
    ports::StoreError,
};

/// How long the token lives that a gateway puts in the place of a session's cookie.
const PHANTOM_TTL: Duration = Duration::from_mins(1);

/// Tokens, as they are issued (RFC 6749, section 5.1).
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

/// What the client of a session gets from login, refresh and re-authentication.
#[derive(Debug, Clone)]
pub enum Admission {
    /// In modes `bearer` and `access_only`: tokens, which a program keeps.
    Tokens(Grant),
    /// In mode `cookie`: tokens in cookies.
    Cookies(Grant, InBrowser),
    /// In mode `session`: one cookie that is no token; `None` where it stays as it is.
    Session(Option<SessionCookie>, Scope, InBrowser),
}

/// What a browser keeps beside what shows who it is.
#[derive(Debug, Clone)]
pub struct InBrowser {
    /// What its requests have to repeat.
    pub csrf: SecretString,
    /// How long the session lives at the most, and its cookies with it.
    pub session_ends_in: Duration,
}

impl InBrowser {
    /// As it is for `session` at `now`.
    #[must_use]
    pub fn of(deps: &Deps, session: &Session, now: Timestamp) -> Self {
        let left = session.absolute_expiry.since(now);
        Self { csrf: deps.csrf.of(session.id), session_ends_in: Duration::from_secs(left.as_secs()) }
    }
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

/// What `session` is answered with: a fresh access token, with the refresh token to go with it, or its cookie. `now` is the instant at
/// which it was decided to be alive.
pub(super) fn admission(
    deps: &Deps,
    session: &Session,
    refresh_token: Option<SecretString>,
    cookie: Option<SessionCookie>,
    now: Timestamp,
) -> Result<Admission, Trouble> {
    let tokens = || grant(deps, session, &session.scope, refresh_token, now);
    let in_browser = || InBrowser::of(deps, session, now);
    Ok(match session.mode {
        Mode::Bearer | Mode::AccessOnly => Admission::Tokens(tokens()?),
        Mode::Cookie => Admission::Cookies(tokens()?, in_browser()),
        Mode::Session => Admission::Session(cookie, session.scope.clone(), in_browser()),
    })
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
        Mode::Bearer | Mode::Cookie => deps.policy.access_ttl,
        Mode::AccessOnly => deps.policy.access_only_ttl,
        Mode::Session => PHANTOM_TTL,
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
        csrf: (session.mode == Mode::Cookie).then(|| csrf_claim(deps.csrf.of(session.id).expose_secret())),
    };
    Ok(Grant {
        access_token: deps.access_tokens.sign(AccessClaims::User(claims), &*deps.rng)?,
        expires_in: Duration::from_secs(expires_in.as_secs()),
        refresh_token,
        scope: scope.clone(),
    })
}
