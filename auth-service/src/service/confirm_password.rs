//! The password once more, within a session: the one gate in front of what a borrowed device must not do.

use std::net::IpAddr;

use super::{Deps, Trouble, audit::own_event, throttle::Guarded};
use crate::{
    domain::{audit::AuditKind, password::Password, session::Session, user::Account},
    ports::HashTurn,
};

/// Why the password did not confirm who is asking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmError {
    /// It is another one.
    #[error("the password is another")]
    WrongPassword,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// The account of the user who holds `session`, if `password` is theirs. Limited like a login, and counted with it.
pub async fn confirm_password(
    deps: &Deps,
    turn: &dyn HashTurn,
    session: &Session,
    password: Password,
    address: Option<IpAddr>,
) -> Result<Account, ConfirmError> {
    let account = deps.users.find_by_id(session.user).await.map_err(Trouble::from)?;
    let account = account.ok_or(ConfirmError::WrongPassword)?;
    let name = Guarded::Password(account.user.username.as_str());
    let reservation = deps.throttle.reserve(name, address).await?;
    match turn.verify(password, Some(account.password.clone())).await {
        // It opens nothing but a login that replaces it; the sessions are about to end.
        Ok(true) if account.temporary_until.is_some() => {
            reservation.withdrawn().await;
            Err(ConfirmError::WrongPassword)
        }
        Ok(true) => {
            reservation.succeeded_for(&account.user).await;
            Ok(account)
        }
        Ok(false) => {
            deps.audit.record(own_event(deps, AuditKind::WrongPassword, session, address));
            reservation.failed(deps, own_event(deps, AuditKind::Throttled, session, address));
            Err(ConfirmError::WrongPassword)
        }
        Err(error) => {
            reservation.withdrawn().await;
            Err(Trouble::from(error).into())
        }
    }
}
