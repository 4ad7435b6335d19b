//! A client revokes a token that it holds (RFC 7009).

use std::net::IpAddr;

use common::{
    claims::{AccessClaims, UserClaims},
    clock::Timestamp,
    verifier::{LEEWAY, TokenError},
};

use super::{Deps, Trouble, authenticate::AuthenticateError, logout::end};
use crate::domain::{
    audit::{Actor, AuditEvent, AuditKind},
    client::ClientId,
    ids::{SessionId, UserId},
    revocation::Revoked,
    session::Mode,
};

/// Why it was not revoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// It was issued to another client (RFC 7009, section 2.1).
    #[error("the token was issued to another client")]
    NotTheClients,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Ends what `token` stands for: a refresh token, or the access token of a session without one, ends its session; any
/// other access token is revoked alone. What is no token, or is over, is no error.
pub async fn revoke_token(
    deps: &Deps,
    client: &ClientId,
    token: &str,
    address: Option<IpAddr>,
) -> Result<(), RevokeError> {
    match deps.refresh_tokens.verify(token) {
        Ok(_) if !client.is_first_party() => return Err(RevokeError::NotTheClients),
        Ok(verified) => return Ok(end_session(deps, verified.user, verified.session, address).await?),
        // An encrypted access token has not even the form of a refresh token.
        Err(TokenError::WrongType | TokenError::Malformed) => {}
        Err(_) => return Ok(()),
    }
    let claims = match deps.access_tokens.verify(token) {
        Ok(claims) => claims,
        Err(error) => {
            return match error.into() {
                AuthenticateError::Trouble(trouble) => Err(trouble.into()),
                _ => Ok(()),
            };
        }
    };
    if claims.client_id() != client.as_str() {
        return Err(RevokeError::NotTheClients);
    }
    match &*claims {
        AccessClaims::User(user) if user.act.is_none() && is_whole_session(deps, user).await? => {
            Ok(end_session(deps, UserId(user.sub), SessionId(user.sid), address).await?)
        }
        AccessClaims::User(user) if deps.revoked_tokens.count(user.sid, ends(user.exp)) > MOST_ALONE => {
            Ok(end_session(deps, UserId(user.sub), SessionId(user.sid), address).await?)
        }
        claims => Ok(revoke_alone(deps, claims, address).await?),
    }
}

/// So many tokens of one session are revoked alone. With the next one the session ends: whoever refreshes and revokes again
/// and again would fill the log that every service keeps (RFC 7009, section 2.1, allows it).
const MOST_ALONE: u32 = 20;

/// Whether the session has nothing but this kind of token. One that is over has nothing to end.
async fn is_whole_session(deps: &Deps, user: &UserClaims) -> Result<bool, Trouble> {
    let found = deps.sessions.find(UserId(user.sub), SessionId(user.sid), deps.clock.now()).await?;
    Ok(found.is_some_and(|session| session.mode == Mode::AccessOnly))
}

async fn end_session(deps: &Deps, user: UserId, session: SessionId, address: Option<IpAddr>) -> Result<(), Trouble> {
    if end(deps, user, session).await? {
        let event = deps.audit.event(AuditKind::Logout, Actor::User(user));
        deps.audit.record(event.to_user(user).in_session(session).from_address(address).with("by", "revocation"));
    }
    Ok(())
}

async fn revoke_alone(deps: &Deps, claims: &AccessClaims, address: Option<IpAddr>) -> Result<(), Trouble> {
    let jti = claims.jti().to_owned();
    deps.revocation_log.append(vec![Revoked::Token(jti.clone())], None, deps.clock.now()).await?;
    let (event, exp) = told(deps, claims);
    deps.revoked_tokens.add(jti.clone(), ends(exp));
    deps.audit.record(event.of_client(claims.client_id()).from_address(address).with("jti", jti));
    Ok(())
}

/// When a token is not accepted anywhere any more.
fn ends(exp: i64) -> Timestamp {
    Timestamp::from_seconds(exp) + LEEWAY
}

/// Who holds the token, for the audit trail, and when it ends.
fn told(deps: &Deps, claims: &AccessClaims) -> (AuditEvent, i64) {
    match claims {
        AccessClaims::User(user) => {
            let actor = match &user.act {
                Some(_) => Actor::Client(user.client_id.clone()),
                None => Actor::User(UserId(user.sub)),
            };
            let event = deps.audit.event(AuditKind::TokenRevoked, actor);
            (event.to_user(UserId(user.sub)).in_session(SessionId(user.sid)), user.exp)
        }
        AccessClaims::Service(service) => {
            let actor = Actor::Client(service.client_id.clone());
            (deps.audit.event(AuditKind::TokenRevoked, actor), service.exp)
        }
    }
}
