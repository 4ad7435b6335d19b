//! Re-authentication: the password once more, within a session, for what must not be done by a borrowed device.

use std::net::IpAddr;

use super::{
    Deps, Trouble,
    audit::own_event,
    authenticate::Shown,
    confirm_password::{ConfirmError, confirm_password},
    grant::{Admission, admission},
    session_secret::renewed,
};
use crate::domain::{audit::AuditKind, password::Password, session::Session};

/// Why the session counts no fresher than before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReauthenticateError {
    /// It is another password.
    #[error("the password is another")]
    WrongPassword,
    /// The session ended meanwhile.
    #[error("the session is over")]
    LoginRequired,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<ConfirmError> for ReauthenticateError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::WrongPassword => Self::WrongPassword,
            ConfirmError::Trouble(trouble) => trouble.into(),
        }
    }
}

/// Checks the password; `auth_time` is now. Answers with an access token that says so; the refresh token stays as it is. The cookie
/// of a session that is `shown` gets a new secret: it is worth more than before.
pub async fn reauthenticate(
    deps: &Deps,
    session: &Session,
    shown: &Shown,
    password: Password,
    address: Option<IpAddr>,
) -> Result<Admission, ReauthenticateError> {
    let turn = deps.hasher.admit(address).map_err(Trouble::from)?;
    confirm_password(deps, &*turn, session, password, address).await?;
    let now = deps.clock.now();
    if !deps.sessions.reauthenticated(session.user, session.id, now).await.map_err(Trouble::from)? {
        return Err(ReauthenticateError::LoginRequired);
    }
    deps.audit.record(own_event(deps, AuditKind::Reauthenticated, session, address));
    let session = Session { authenticated_at: now, ..session.clone() };
    let cookie = renewed(deps, &session, shown, now).await?;
    Ok(admission(deps, &session, None, cookie, now)?)
}
