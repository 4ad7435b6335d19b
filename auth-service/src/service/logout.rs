//! Logout: of the session at hand, of another one, of all.

use common::verifier::TokenError;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Deps, Trouble,
    authenticate::named_session,
    effects::{Applied, change_and_apply},
};
use crate::{
    domain::{
        effect::{Effect, EndReason},
        ids::{SessionId, UserId},
        session::{RevokedReason, Session},
    },
    ports::Change,
};

/// Why a session was not ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoutError {
    /// The token is not believed.
    #[error(transparent)]
    InvalidToken(#[from] TokenError),
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Ends the session of a token, which may be an access token or a refresh token. Ending it twice is no error.
pub async fn logout(deps: &Deps, token: &SecretString) -> Result<(), LogoutError> {
    let token = token.expose_secret();
    let (user, session) = match deps.refresh_tokens.verify(token) {
        Ok(verified) => (verified.user, verified.session),
        Err(TokenError::WrongType) => named_session(deps, token)?,
        Err(error) => return Err(error.into()),
    };
    end(deps, user, session).await?;
    Ok(())
}

/// Ends one session of the user who holds `current`. `false` when that user has no such session.
pub async fn end_session(deps: &Deps, current: &Session, session: SessionId) -> Result<bool, Trouble> {
    end(deps, current.user, session).await
}

async fn end(deps: &Deps, user: UserId, session: SessionId) -> Result<bool, Trouble> {
    let ended = deps.sessions.revoke(user, session, RevokedReason::Logout, deps.clock.now()).await?;
    if ended {
        tracing::info!(%user, %session, "logged out");
    }
    Ok(ended)
}

/// Ends all sessions of the user who holds `current`, this one as well.
pub async fn logout_all(deps: &Deps, current: &Session) -> Result<Applied, Trouble> {
    let effect = Effect::EndSessions { reason: EndReason::LogoutAll, except: None };
    let applied = change_and_apply(deps, current.user, &Change::SessionsOnly, &effect).await?;
    tracing::info!(user = %current.user, "logged out everywhere");
    // A user who is gone has no sessions either.
    Ok(applied.unwrap_or(Applied::Now))
}
