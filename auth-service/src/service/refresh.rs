//! Refresh: a refresh token becomes a fresh access token and, when it is due, a fresh refresh token.

use std::net::IpAddr;

use common::{scope::Scope, verifier::TokenError};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Deps, Trouble,
    grant::{Grant, grant},
};
use crate::{
    domain::{
        audit::{Actor, AuditKind},
        session::{Refusal, Rotation},
    },
    ports::RefreshOutcome,
};

/// What a refresh came to, for those who count.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The tokens.
    pub grant: Grant,
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
    /// More is asked for than the session allows. The token is as good as before.
    #[error("the scope is more than the session has")]
    InvalidScope,
    /// Not the client's fault; the token is as good as before.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Verifies the token, lets the session store decide, and issues what it grants. `wanted` is what the access token shall
/// allow, at most what the session has (RFC 6749, section 6); all of it, when nothing is said.
pub async fn refresh(
    deps: &Deps,
    token: &SecretString,
    wanted: Option<&Scope>,
    address: Option<IpAddr>,
) -> Result<Refreshed, RefreshError> {
    let verified = deps.refresh_tokens.verify(token.expose_secret())?;
    let now = deps.clock.now();
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
    let scope = wanted.unwrap_or(&session.scope);
    if !scope.is_within(&session.scope) {
        return Err(RefreshError::InvalidScope);
    }
    let refresh_token = match rotation {
        Rotation::Same => token.clone(),
        Rotation::Child => deps.refresh_tokens.sign_child(&session, now, &*deps.rng).map_err(Trouble::from)?,
    };
    Ok(Refreshed { grant: grant(deps, &session, scope, Some(refresh_token), now)?, rotation, rolled_back })
}
