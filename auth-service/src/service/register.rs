//! Registration: a name and a password become a user.

use std::net::IpAddr;

use super::{Deps, Registration, Trouble, audit, throttle::Guarded};
use crate::{
    domain::{
        audit::{Actor, AuditKind},
        ids::UserId,
        invite::InviteCode,
        password::{Password, WeakPassword, check_strength},
        user::{Email, User, Username},
    },
    ports::{Insertion, NewAccount},
};

/// What a new user gives, checked for form.
#[derive(Debug, Clone)]
pub struct Registrant {
    /// The name to log in with.
    pub username: Username,
    /// An address to log in with.
    pub email: Option<Email>,
    /// The password.
    pub password: Password,
    /// The invitation, if there is one.
    pub invite: Option<InviteCode>,
    /// Where the request came from, if known.
    pub address: Option<IpAddr>,
}

/// Why there is no new user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Nobody registers here.
    #[error("registration is closed")]
    Closed,
    /// One needs an invitation.
    #[error("registration needs an invitation")]
    InviteRequired,
    /// The invitation does not exist, has expired or was used.
    #[error("the invitation is not valid")]
    InviteInvalid,
    /// The password is easy to guess.
    #[error("the password is too weak")]
    WeakPassword(WeakPassword),
    /// The username is another's.
    #[error("the username is taken")]
    UsernameTaken,
    /// The e-mail address is another's.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Registers somebody who comes through the front door.
pub async fn register(deps: &Deps, registrant: Registrant) -> Result<User, RegisterError> {
    let invite = match (deps.policy.registration, &registrant.invite) {
        (Registration::Closed, _) => return Err(RegisterError::Closed),
        (Registration::Invite, None) => return Err(RegisterError::InviteRequired),
        (Registration::Invite, Some(code)) => Some(code.hashed()),
        (Registration::Open, _) => None,
    };
    judge(&registrant.password, &registrant.username, registrant.email.as_ref())
        .map_err(RegisterError::WeakPassword)?;
    let turn = deps.hasher.admit(registrant.address).map_err(Trouble::from)?;
    let name = Guarded::Registration(registrant.username.as_str());
    let reservation = deps.throttle.reserve(name, registrant.address).await?;
    reservation.failed(deps, deps.audit.event(AuditKind::Throttled, Actor::Anonymous));
    let password = turn.hash(registrant.password).await.map_err(Trouble::from)?;
    let now = deps.clock.now();
    let user = User {
        id: UserId::new(now, &*deps.rng),
        username: registrant.username,
        email: registrant.email,
        roles: Vec::new(),
        disabled: false,
        created_at: now,
    };
    let account = NewAccount { user, password, invite };
    let event = deps.audit.event(AuditKind::Registered, Actor::User(account.user.id));
    let event = event.to_user(account.user.id).from_address(registrant.address);
    match deps.users.insert(&account, &event, now).await.map_err(Trouble::from)? {
        Insertion::Done => {
            audit::log(&event);
            Ok(account.user)
        }
        Insertion::UsernameTaken => Err(RegisterError::UsernameTaken),
        Insertion::EmailTaken => Err(RegisterError::EmailTaken),
        Insertion::InviteInvalid => Err(RegisterError::InviteInvalid),
    }
}

/// Judges a new password of whoever goes by these names.
pub(super) fn judge(password: &Password, username: &Username, email: Option<&Email>) -> Result<(), WeakPassword> {
    check_strength(password, &own_words(username, email))
}

/// What an attacker who knows the user would try first.
fn own_words<'a>(username: &'a Username, email: Option<&'a Email>) -> Vec<&'a str> {
    let address = email.map(Email::as_str);
    let local_part = address.and_then(|address| address.split('@').next());
    [Some(username.as_str()), address, local_part, Some("latchkey")].into_iter().flatten().collect()
}
