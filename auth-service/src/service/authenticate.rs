//! Who is asking: an access token that auth-service has signed, and the session behind it, alive in the store.
//!
//! Auth-service's own routes do not trust an access token alone. Roles and status come from the record.

use common::{claims::AccessClaims, verifier::TokenError};

use super::{Deps, Trouble};
use crate::domain::{
    ids::{SessionId, UserId},
    session::Session,
};

/// Why nobody is known to be asking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is not believed.
    #[error(transparent)]
    InvalidToken(#[from] TokenError),
    /// The token's session is over.
    #[error("the session is over")]
    LoginRequired,
    /// The token's client is not there any more, or is disabled.
    #[error("the client is not known any more")]
    ClientGone,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// The session that `token` belongs to.
pub async fn authenticate(deps: &Deps, token: &str) -> Result<Session, AuthenticateError> {
    let (user, session) = named_session(deps, token)?;
    let now = deps.clock.now();
    let session = deps.sessions.find(user, session, now).await.map_err(Trouble::from)?;
    session.ok_or(AuthenticateError::LoginRequired)
}

/// The session that `token` names, which may be over.
pub(super) fn named_session(deps: &Deps, token: &str) -> Result<(UserId, SessionId), TokenError> {
    match &*deps.access_tokens.verify(token)? {
        AccessClaims::User(claims) => Ok((UserId(claims.sub), SessionId(claims.sid))),
        AccessClaims::Service(_) => Err(TokenError::NotAUser),
    }
}
