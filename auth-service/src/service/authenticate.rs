//! Who is asking: an access token that auth-service has signed, and the session behind it, alive in the store.
//!
//! Auth-service's own routes do not trust an access token alone. Roles and status come from the record.

use common::{
    claims::{AccessClaims, UserClaims},
    verifier::TokenError,
};

use super::{Deps, Trouble};
use crate::{
    domain::{
        client::Client,
        ids::{SessionId, UserId},
        session::Session,
    },
    ports::StoreError,
};

/// Why nobody is known to be asking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is not believed.
    #[error(transparent)]
    InvalidToken(TokenError),
    /// The token's session is over.
    #[error("the session is over")]
    LoginRequired,
    /// The token's client is not there any more, or is disabled.
    #[error("the client is not known any more")]
    ClientGone,
    /// A service acts for the user, who has to ask in person.
    #[error("this is for the user in person, not for a service that acts for the user")]
    Delegated,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<TokenError> for AuthenticateError {
    fn from(error: TokenError) -> Self {
        match error {
            // That nobody can say is not the same as that it does not hold.
            TokenError::KeysUnavailable | TokenError::StandingUnknown => {
                Self::Trouble(StoreError::Unavailable(error.to_string()).into())
            }
            error => Self::InvalidToken(error),
        }
    }
}

/// Whether a service may ask that acts for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delegation {
    /// It may, as long as its client is there.
    Allowed,
    /// Only the user may.
    Refused,
}

/// The session that `token` belongs to. The user asks in person.
pub async fn authenticate(deps: &Deps, token: &str) -> Result<Session, AuthenticateError> {
    authenticate_as(deps, token, Delegation::Refused).await
}

/// The session that `token` belongs to.
pub async fn authenticate_as(deps: &Deps, token: &str, delegation: Delegation) -> Result<Session, AuthenticateError> {
    let claims = deps.access_tokens.verify(token)?;
    if delegation == Delegation::Refused && of_user(&claims)?.act.is_some() {
        return Err(AuthenticateError::Delegated);
    }
    Ok(as_of_now(deps, of_user(&claims)?).await?.1)
}

/// What is left at this moment of what a user's token says, and its session: roles and rights may have been taken away
/// since it was issued.
pub(super) async fn as_of_now(deps: &Deps, claims: &UserClaims) -> Result<(UserClaims, Session), AuthenticateError> {
    let mut claims = claims.clone();
    if claims.act.is_some() {
        let client = living_client(deps, &claims.client_id).await?;
        claims.scope = claims.scope.common_with(&client.rights.scope);
    }
    let (user, session) = (UserId(claims.sub), SessionId(claims.sid));
    let session = deps.sessions.find(user, session, deps.clock.now()).await.map_err(Trouble::from)?;
    let session = session.ok_or(AuthenticateError::LoginRequired)?;
    claims.roles.retain(|role| session.roles.contains(role));
    Ok((claims, session))
}

/// Whose session `token` names, which may be over. The user asks in person.
pub(super) fn named_session(deps: &Deps, token: &str) -> Result<(UserId, SessionId), AuthenticateError> {
    let claims = deps.access_tokens.verify(token)?;
    let claims = of_user(&claims)?;
    if claims.act.is_some() {
        return Err(AuthenticateError::Delegated);
    }
    Ok((UserId(claims.sub), SessionId(claims.sid)))
}

pub(super) fn of_user(claims: &AccessClaims) -> Result<&UserClaims, TokenError> {
    match claims {
        AccessClaims::User(claims) => Ok(claims),
        AccessClaims::Service(_) => Err(TokenError::NotAUser),
    }
}

/// The client that holds a token: one that is there, and not disabled.
pub(super) async fn living_client(deps: &Deps, id: &str) -> Result<Client, AuthenticateError> {
    let id = id.parse().map_err(|_| TokenError::InvalidClaims)?;
    let client = deps.clients.find(&id).await.map_err(Trouble::from)?;
    client.filter(|client| !client.disabled).ok_or(AuthenticateError::ClientGone)
}
