//! Another username or e-mail address. Tokens name users by their id alone, so sessions go on as they are.

use std::net::IpAddr;

use super::{
    Deps, Trouble,
    audit::{self, own_event},
    throttle::Guarded,
};
use crate::{
    domain::{
        audit::{AuditEvent, AuditKind},
        session::Session,
        user::{Email, NewEmail, Renaming, User},
    },
    ports::Renamed,
};

/// Why a user goes by what they went by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// The username is another's.
    #[error("the username is taken")]
    UsernameTaken,
    /// The e-mail address is another's.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The user is gone.
    #[error("the user is gone")]
    LoginRequired,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Gives the user who holds `session` other names. The user as they are then.
pub async fn rename(
    deps: &Deps,
    session: &Session,
    renaming: Renaming,
    address: Option<IpAddr>,
) -> Result<User, RenameError> {
    let account = deps.users.find_by_id(session.user).await.map_err(Trouble::from)?;
    let user = account.ok_or(RenameError::LoginRequired)?.user;
    let renaming = renaming.of(&user);
    if renaming.is_empty() {
        return Ok(user);
    }
    let event = described(own_event(deps, AuditKind::UserRenamed, session, address), &user, &renaming);
    let reservation = deps.throttle.reserve(Guarded::Renaming(&user.id.to_string()), address).await?;
    let outcome = deps.users.rename(user.id, &renaming, &event).await;
    match outcome {
        Ok(Renamed::UsernameTaken | Renamed::EmailTaken) => {
            reservation.failed(deps, own_event(deps, AuditKind::Throttled, session, address));
        }
        Ok(Renamed::Done | Renamed::NoSuchUser) | Err(_) => reservation.withdrawn().await,
    }
    match outcome.map_err(Trouble::from)? {
        Renamed::Done => {
            audit::log(&event);
            Ok(renamed(user, renaming))
        }
        Renamed::UsernameTaken => Err(RenameError::UsernameTaken),
        Renamed::EmailTaken => Err(RenameError::EmailTaken),
        Renamed::NoSuchUser => Err(RenameError::LoginRequired),
    }
}

/// The event, with both usernames and no address: the trail outlives the user.
pub(super) fn described(event: AuditEvent, user: &User, renaming: &Renaming) -> AuditEvent {
    let event = match &renaming.username {
        Some(username) => event.with("username", username.as_str()).with("username_before", user.username.as_str()),
        None => event,
    };
    match &renaming.email {
        Some(NewEmail::Address(_)) => event.with("email", "changed"),
        Some(NewEmail::None) => event.with("email", "removed"),
        None => event,
    }
}

/// The user with other names.
pub(super) fn renamed(user: User, renaming: Renaming) -> User {
    let email = |new: NewEmail| -> Option<Email> { new.address().cloned() };
    User {
        username: renaming.username.unwrap_or(user.username),
        email: renaming.email.map_or(user.email, email),
        ..user
    }
}
