//! Who is asking: an access token that auth-service has signed, or the cookie of a session, and the session behind it, alive in
//! the store.
//!
//! Auth-service's own routes do not trust an access token alone. Roles and status come from the record.

use common::{
    claims::{AccessClaims, UserClaims},
    verifier::TokenError,
};

use secrecy::{ExposeSecret, SecretString};

use super::{Deps, Trouble};
use crate::{
    domain::{
        client::Client,
        ids::{SessionId, UserId},
        session::{Mode, Session},
        session_cookie::SessionCookie,
    },
    ports::StoreError,
};

/// Why nobody is known to be asking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is not believed.
    #[error(transparent)]
    InvalidToken(TokenError),
    /// The session is over, or its cookie is not the one of now.
    #[error("the session is over")]
    LoginRequired,
    /// The token's client is not there any more, or is disabled.
    #[error("the client is not known any more")]
    ClientGone,
    /// The request does not show that the session's own front end makes it.
    #[error("the CSRF value is another session's")]
    CsrfFailed,
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

/// What a request shows of who is asking.
#[derive(Debug)]
pub enum Shown {
    /// An access token in the header, where no browser puts it by itself.
    Token(SecretString),
    /// The access token of mode `cookie`.
    TokenCookie(SecretString, Csrf),
    /// The cookie of mode `session`.
    SessionCookie(SessionCookie, Csrf),
}

/// What a request with a cookie repeats, to show that the session's own front end makes it.
#[derive(Debug)]
pub enum Csrf {
    /// The request changes nothing.
    NotNeeded,
    /// This value; nobody has looked yet whether it is the session's.
    Value(SecretString),
}

impl Csrf {
    /// Whether the value is that of `session`.
    pub(super) fn check(&self, deps: &Deps, session: SessionId) -> Result<(), AuthenticateError> {
        match self {
            Self::Value(value) if !deps.csrf.is_of(session, value.expose_secret()) => {
                Err(AuthenticateError::CsrfFailed)
            }
            Self::Value(_) | Self::NotNeeded => Ok(()),
        }
    }
}

/// The session of who is asking.
pub async fn authenticate(deps: &Deps, shown: &Shown, delegation: Delegation) -> Result<Session, AuthenticateError> {
    match shown {
        Shown::Token(token) => {
            let (claims, session) = by_token(deps, token, delegation).await?;
            if session.mode.has_cookies() && claims.act.is_none() {
                // Its holder shows a cookie. A service to which the gateway has passed the token on shall not be able to do here what
                // its user could.
                return Err(TokenError::WrongType.into());
            }
            Ok(session)
        }
        Shown::TokenCookie(token, csrf) => Ok(by_token_cookie(deps, token, csrf).await?.1),
        Shown::SessionCookie(cookie, csrf) => visit(deps, cookie, csrf).await,
    }
}

async fn by_token(
    deps: &Deps,
    token: &SecretString,
    delegation: Delegation,
) -> Result<(UserClaims, Session), AuthenticateError> {
    let claims = deps.access_tokens.verify(token.expose_secret())?;
    if delegation == Delegation::Refused && of_user(&claims)?.act.is_some() {
        return Err(AuthenticateError::Delegated);
    }
    as_of_now(deps, of_user(&claims)?).await
}

/// What is left at this moment of what the token of mode `cookie` says, and its session.
pub(super) async fn by_token_cookie(
    deps: &Deps,
    token: &SecretString,
    csrf: &Csrf,
) -> Result<(UserClaims, Session), AuthenticateError> {
    let (claims, session) = by_token(deps, token, Delegation::Refused).await?;
    if session.mode != Mode::Cookie {
        // One that was given to a script must not come by itself.
        return Err(TokenError::WrongType.into());
    }
    csrf.check(deps, session.id)?;
    Ok((claims, session))
}

/// The session of a cookie, which goes on because of it.
pub(super) async fn visit(deps: &Deps, cookie: &SessionCookie, csrf: &Csrf) -> Result<Session, AuthenticateError> {
    csrf.check(deps, cookie.session)?;
    let (now, idle_ttl) = (deps.clock.now(), deps.policy.refresh.idle_ttl);
    let session = deps.sessions.visit(cookie.user, cookie.session, &cookie.hash(), now, idle_ttl).await;
    session.map_err(Trouble::from)?.ok_or(AuthenticateError::LoginRequired)
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
