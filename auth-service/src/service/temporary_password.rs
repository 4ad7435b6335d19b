//! Temporary passwords: an administrator gives one, and it is good for a single thing, to be replaced by its user.

use std::net::IpAddr;

use super::{
    Deps, Trouble,
    effects::{Applied, change_and_apply},
    manage_users::{ManageError, Operator},
    register::judge,
};
use crate::{
    domain::{
        audit::{Actor, AuditKind},
        effect::{Effect, EndReason},
        ids::UserId,
        password::{Password, TEMPORARY_PASSWORD_TTL, WeakPassword},
        session::Session,
        user::{Account, User},
    },
    ports::{Change, Clock, HashTurn},
};

/// Gives `user` a temporary password in the name of the administrator who holds `session`, and ends the user's sessions.
pub async fn give_temporary_password(
    deps: &Deps,
    session: &Session,
    user: UserId,
    password: Password,
    address: Option<IpAddr>,
) -> Result<Applied, ManageError> {
    let turn = deps.hasher.admit(address).map_err(Trouble::from)?;
    Operator::of_administrator(deps, session, address).set_password_by_id(user, password, &*turn).await
}

/// What gives `user` this password for a while.
pub(super) async fn change(
    turn: &dyn HashTurn,
    user: &User,
    password: Password,
    clock: &dyn Clock,
) -> Result<Change, NotTaken> {
    judge(&password, &user.username, user.email.as_ref()).map_err(NotTaken::WeakPassword)?;
    Ok(Change::TemporaryPassword { new: turn.hash(password).await?, until: clock.now() + TEMPORARY_PASSWORD_TTL })
}

/// Every session of the old password's.
pub(super) const ENDS_SESSIONS: Effect = Effect::EndSessions { reason: EndReason::PasswordChange, except: None };

/// Why a new password was not taken.
pub(super) enum NotTaken {
    /// It is easy to guess, or the same.
    WeakPassword(WeakPassword),
    Trouble(Trouble),
}

impl<E: Into<Trouble>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

/// Makes `new` the password of an account whose password `current` has just been verified. The account as it is from
/// then on; `None` where it has changed meanwhile.
pub(super) async fn replace_password(
    deps: &Deps,
    turn: &dyn HashTurn,
    account: Account,
    current: &Password,
    new: &Password,
    address: Option<IpAddr>,
) -> Result<Option<Account>, NotTaken> {
    if current.as_bytes() == new.as_bytes() {
        return Err(NotTaken::WeakPassword(WeakPassword::the_same()));
    }
    judge(new, &account.user.username, account.user.email.as_ref()).map_err(NotTaken::WeakPassword)?;
    let hash = turn.hash(new.clone()).await?;
    let user = account.user.id;
    let change = Change::Password { expected: account.password, new: hash.clone() };
    let event = deps.audit.event(AuditKind::PasswordChanged, Actor::User(user)).to_user(user).from_address(address);
    let changed = change_and_apply(deps, user, &change, &ENDS_SESSIONS, event).await?;
    Ok(changed.map(|changed| Account {
        user: account.user,
        password: hash,
        temporary_until: None,
        epoch: changed.epoch,
    }))
}
