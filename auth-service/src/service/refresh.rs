//! Refresh: a refresh token becomes a fresh access token and, when it is due, a fresh refresh token.

use std::net::IpAddr;

use common::{clock::Timestamp, scope::Scope, verifier::TokenError};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Deps, Trouble,
    grant::{Admission, Grant, admission, grant},
};
use crate::{
    domain::{
        audit::{Actor, AuditKind},
        session::{Mode, Refusal, Rotation, Session},
    },
    ports::RefreshOutcome,
};

/// What a refresh came to, for those who count.
#[derive(Debug, Clone)]
pub struct Refreshed<T> {
    /// What the client gets.
    pub answer: T,
    /// Whether the refresh token is a new one.
    pub rotation: Rotation,
    /// Whether the store had lost writes.
    pub rolled_back: bool,
}

/// Why there are no fresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The token is not one of ours, or its time is over. No store was asked, and nothing counts as reuse.
    #[error(transparent)]
    InvalidToken(#[from] TokenError),
    /// The session is over: log in again.
    #[error("the session is over")]
    LoginRequired,
    /// A used token came back, now or before: the session was ended for everybody who holds it.
    #[error("a used refresh token came back")]
    TokenReused,
    /// The request does not show that the session's own front end makes it. The token is as good as before.
    #[error("the CSRF value is another session's")]
    CsrfFailed,
    /// The token belongs in a cookie, and is answered nowhere but at `/auth/refresh`. It is as good as before.
    #[error("the token belongs in a cookie")]
    InCookie,
    /// More is asked for than the session allows. The token is as good as before.
    #[error("the scope is more than the session has")]
    InvalidScope,
    /// Not the client's fault; the token is as good as before.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// A refresh token, and what shows that its holder wants the request.
#[derive(Debug)]
pub struct Presented {
    /// The token.
    pub token: SecretString,
    /// The CSRF value of the request, where the token came in a cookie.
    pub csrf: Option<SecretString>,
}

/// Verifies the token, lets the session store decide, and answers as the session's mode says.
pub async fn refresh(
    deps: &Deps,
    presented: &Presented,
    address: Option<IpAddr>,
) -> Result<Refreshed<Admission>, RefreshError> {
    let now = deps.clock.now();
    let rotated = rotate(deps, presented, now, address).await?;
    let Refreshed { answer: (session, token), rotation, rolled_back } = rotated;
    Ok(Refreshed { answer: admission(deps, &session, Some(token), None, now)?, rotation, rolled_back })
}

/// The same for who asks by RFC 6749, section 6. `wanted` is what the access token shall allow, at most what the session has; all of
/// it, when nothing is said.
pub async fn refresh_grant(
    deps: &Deps,
    token: SecretString,
    wanted: Option<&Scope>,
    address: Option<IpAddr>,
) -> Result<Refreshed<Grant>, RefreshError> {
    let now = deps.clock.now();
    let rotated = rotate(deps, &Presented { token, csrf: None }, now, address).await?;
    let Refreshed { answer: (session, token), rotation, rolled_back } = rotated;
    if session.mode != Mode::Bearer {
        return Err(RefreshError::InCookie);
    }
    let scope = wanted.unwrap_or(&session.scope);
    if !scope.is_within(&session.scope) {
        return Err(RefreshError::InvalidScope);
    }
    Ok(Refreshed { answer: grant(deps, &session, scope, Some(token), now)?, rotation, rolled_back })
}

/// The session, and its refresh token from now on.
async fn rotate(
    deps: &Deps,
    presented: &Presented,
    now: Timestamp,
    address: Option<IpAddr>,
) -> Result<Refreshed<(Session, SecretString)>, RefreshError> {
    let verified = deps.refresh_tokens.verify(presented.token.expose_secret())?;
    if let Some(csrf) = &presented.csrf
        && !deps.csrf.is_of(verified.session, csrf.expose_secret())
    {
        return Err(RefreshError::CsrfFailed);
    }
    let outcome = deps
        .sessions
        .refresh(verified.user, verified.session, &verified.presented, now, deps.policy.refresh)
        .await
        .map_err(Trouble::from)?;
    let (session, rotation, rolled_back) = match outcome {
        RefreshOutcome::Granted { session, rotation, rolled_back } => (session, rotation, rolled_back),
        RefreshOutcome::Refused(Refusal::LoginRequired) => return Err(RefreshError::LoginRequired),
        RefreshOutcome::Refused(Refusal::TokenReused) => return Err(RefreshError::TokenReused),
        RefreshOutcome::Reuse(session) => {
            let event = deps.audit.event(AuditKind::TokenReused, Actor::Anonymous).to_user(session.user);
            let event = event.in_session(session.id).of_client(session.client_id).from_address(address);
            deps.audit.record(event.with("device", session.device));
            return Err(RefreshError::TokenReused);
        }
    };
    if rolled_back {
        tracing::warn!(event = "store_rolled_back", session = %session.id, "the session store had lost writes");
    }
    let token = match rotation {
        Rotation::Same => presented.token.clone(),
        Rotation::Child => deps.refresh_tokens.sign_child(&session, now, &*deps.rng).map_err(Trouble::from)?,
    };
    Ok(Refreshed { answer: (*session, token), rotation, rolled_back })
}
