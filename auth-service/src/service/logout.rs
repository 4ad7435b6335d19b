//! Logout: of the session at hand, of another one, of all.

use std::{collections::BTreeSet, net::IpAddr};

use common::verifier::TokenError;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Deps, Trouble,
    audit::own_event,
    authenticate::{AuthenticateError, named_session},
    effects::{Applied, change_and_apply},
};
use crate::{
    domain::{
        audit::{Actor, AuditKind},
        effect::{Effect, EndReason},
        ids::{SessionId, UserId},
        session::{RevokedReason, Session},
        session_cookie::SessionCookie,
    },
    ports::Change,
};

/// Why a session was not ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoutError {
    /// The token is not believed.
    #[error(transparent)]
    Unauthenticated(#[from] AuthenticateError),
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Ends the session of a token, which may be an access token or a refresh token. Ending it twice is no error.
pub async fn logout(deps: &Deps, token: &SecretString, address: Option<IpAddr>) -> Result<(), LogoutError> {
    let token = token.expose_secret();
    let (user, session) = match deps.refresh_tokens.verify(token) {
        Ok(verified) => (verified.user, verified.session),
        // An encrypted access token has not even the form of a refresh token.
        Err(TokenError::WrongType | TokenError::Malformed) => named_session(deps, token)?,
        Err(error) => return Err(AuthenticateError::from(error).into()),
    };
    Ok(end_and_tell(deps, user, session, address).await?)
}

async fn end_and_tell(deps: &Deps, user: UserId, session: SessionId, address: Option<IpAddr>) -> Result<(), Trouble> {
    if end(deps, user, session).await? {
        let event = deps.audit.event(AuditKind::Logout, Actor::User(user));
        deps.audit.record(event.to_user(user).in_session(session).from_address(address));
    }
    Ok(())
}

/// What a browser shows that logs out. Any of it may be there, and any of it may be good no more.
#[derive(Debug)]
pub struct InCookies {
    /// Of mode `session`.
    pub session: Option<SessionCookie>,
    /// Of mode `cookie`.
    pub refresh_token: Option<SecretString>,
    /// Of mode `cookie`.
    pub access_token: Option<SecretString>,
    /// What the request repeats.
    pub csrf: SecretString,
}

/// Ends the sessions of a browser's cookies. What is good no more names no session, and is no error.
pub async fn logout_browser(deps: &Deps, cookies: &InCookies, address: Option<IpAddr>) -> Result<(), LogoutError> {
    let named = named_in(deps, cookies).await?;
    // One of them is enough to show that the browser's own page asks; a browser with two logins has the value of the later one.
    let is_own = |(_, session): &(UserId, SessionId)| deps.csrf.is_of(*session, cookies.csrf.expose_secret());
    if !named.is_empty() && !named.iter().any(is_own) {
        return Err(AuthenticateError::CsrfFailed.into());
    }
    for (user, session) in named {
        end_and_tell(deps, user, session, address).await?;
    }
    Ok(())
}

/// The sessions that a browser's cookies show to be its own.
async fn named_in(deps: &Deps, cookies: &InCookies) -> Result<BTreeSet<(UserId, SessionId)>, LogoutError> {
    let mut named = BTreeSet::new();
    if let Some(cookie) = &cookies.session {
        let (now, idle_ttl) = (deps.clock.now(), deps.policy.refresh.idle_ttl);
        let living = deps.sessions.visit(cookie.user, cookie.session, &cookie.hash(), now, idle_ttl).await;
        named.extend(living.map_err(Trouble::from)?.map(|session| (session.user, session.id)));
    }
    if let Some(token) = &cookies.refresh_token
        && let Ok(verified) = deps.refresh_tokens.verify(token.expose_secret())
    {
        named.insert((verified.user, verified.session));
    }
    if let Some(token) = &cookies.access_token {
        match named_session(deps, token.expose_secret()) {
            Ok(session) => drop(named.insert(session)),
            Err(AuthenticateError::Trouble(trouble)) => return Err(trouble.into()),
            Err(_) => {}
        }
    }
    Ok(named)
}

/// Ends one session of the user who holds `current`. `false` when that user has no such session.
pub async fn end_session(
    deps: &Deps,
    current: &Session,
    session: SessionId,
    address: Option<IpAddr>,
) -> Result<bool, Trouble> {
    let ended = end(deps, current.user, session).await?;
    if ended {
        let kind = if session == current.id { AuditKind::Logout } else { AuditKind::SessionEnded };
        deps.audit.record(own_event(deps, kind, current, address).in_session(session));
    }
    Ok(ended)
}

/// `false` when it was over.
pub(super) async fn end(deps: &Deps, user: UserId, session: SessionId) -> Result<bool, Trouble> {
    Ok(deps.sessions.revoke(user, session, RevokedReason::Logout, deps.clock.now()).await?)
}

/// Ends all sessions of the user who holds `current`, this one as well.
pub async fn logout_all(deps: &Deps, current: &Session, address: Option<IpAddr>) -> Result<Applied, Trouble> {
    let effect = Effect::EndSessions { reason: EndReason::LogoutAll, except: None };
    let event = own_event(deps, AuditKind::LogoutAll, current, address);
    let changed = change_and_apply(deps, current.user, &Change::SessionsOnly, &effect, event).await?;
    // A user who is gone has no sessions either.
    Ok(changed.map_or(Applied::Now, |changed| changed.applied))
}
