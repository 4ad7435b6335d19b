//! Password change: a new password ends every session but the one it was changed in.

use std::net::IpAddr;

use super::{
    Deps, Trouble,
    audit::own_event,
    authenticate::Shown,
    confirm_password::{ConfirmError, confirm_password},
    effects::{Applied, change_and_apply},
    register::judge,
    session_secret::renewed,
};
use crate::{
    domain::{
        audit::AuditKind,
        effect::{Effect, EndReason},
        password::{Password, WeakPassword},
        session::Session,
        session_cookie::SessionCookie,
    },
    ports::Change,
};

/// How often a change starts anew because the stored form of the password changed meanwhile.
const ATTEMPTS: u32 = 3;

/// Why the password is what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangePasswordError {
    /// The current password is another.
    #[error("the current password is another")]
    WrongPassword,
    /// The new password is easy to guess.
    #[error("the new password is too weak")]
    WeakPassword(WeakPassword),
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<ConfirmError> for ChangePasswordError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::WrongPassword => Self::WrongPassword,
            ConfirmError::Trouble(trouble) => trouble.into(),
        }
    }
}

/// Checks the current password and replaces it. The cookie of a session that is `shown` gets a new secret.
pub async fn change_password(
    deps: &Deps,
    session: &Session,
    shown: &Shown,
    current: Password,
    new: Password,
    address: Option<IpAddr>,
) -> Result<(Applied, Option<SessionCookie>), ChangePasswordError> {
    let turn = deps.hasher.admit(address).map_err(Trouble::from)?;
    for _ in 0..ATTEMPTS {
        let account = confirm_password(deps, &*turn, session, current.clone(), address).await?;
        let user = &account.user;
        judge(&new, &user.username, user.email.as_ref()).map_err(ChangePasswordError::WeakPassword)?;
        let hash = turn.hash(new.clone()).await.map_err(Trouble::from)?;
        let change = Change::Password { expected: account.password, new: hash };
        let event = own_event(deps, AuditKind::PasswordChanged, session, address);
        let effect = Effect::EndSessions { reason: EndReason::PasswordChange, except: Some(session.id) };
        // Before the password: if that fails, the cookie as it is stays good until this one is seen, which is never.
        let cookie = renewed(deps, session, shown, deps.clock.now()).await?;
        if let Some(changed) = change_and_apply(deps, session.user, &change, &effect, event).await? {
            return Ok((changed.applied, cookie));
        }
        // Another change came first, or a login that hashed the same password anew.
    }
    Err(Trouble::Contended.into())
}
