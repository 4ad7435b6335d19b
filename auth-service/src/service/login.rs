//! Login: a password becomes a session.

use std::{net::IpAddr, time::Duration};

use common::clock::Timestamp;

use super::{
    Deps, Trouble,
    audit::own_event,
    grant::{Admission, admission},
    temporary_password::{NotTaken, replace_password},
    throttle::Guarded,
};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, AuditKind},
        client::FIRST_PARTY_CLIENT,
        ids::{SessionId, TokenId, UserId},
        password::{Password, WeakPassword},
        session::{CurrentToken, Mode, Session},
        session_cookie::SessionCookie,
        session_secret::SessionSecrets,
        user::{Account, Identifier, User},
    },
    ports::{Creation, HashTurn},
};

/// How often a login starts anew because its user changed meanwhile.
const ATTEMPTS: u32 = 3;

/// What a client sends, checked for form.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// What was typed as the name, in lower case.
    pub name: String,
    /// Who it is, if anybody can go by that.
    pub identifier: Option<Identifier>,
    /// The password.
    pub password: Password,
    /// The password from now on, where it is to be another.
    pub new_password: Option<Password>,
    /// What the client will hold.
    pub mode: Mode,
    /// What the session is shown as.
    pub device: String,
    /// Where the request came from, if known.
    pub address: Option<IpAddr>,
}

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// No such user, or not the password: the same answer for the same work.
    #[error("invalid username or password")]
    InvalidCredentials,
    /// The password is right, and the user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The password is right and a temporary one, and there is no new one with it.
    #[error("the password has to be replaced")]
    PasswordChangeRequired,
    /// The password is right and was a temporary one for too long.
    #[error("the temporary password has expired")]
    PasswordExpired,
    /// The password is right, and the new one is easy to guess.
    #[error("the new password is too weak")]
    WeakPassword(WeakPassword),
    /// The password is the new one by now, and then there was no session.
    #[error("the password was replaced, and no session could be made")]
    ReplacedOnly,
    /// Not the client's fault.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<NotTaken> for LoginError {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::WeakPassword(weak) => Self::WeakPassword(weak),
            NotTaken::Trouble(trouble) => trouble.into(),
        }
    }
}

/// Checks the password, replaces it where that is asked for, begins a session, and issues its first tokens.
pub async fn login(deps: &Deps, request: LoginRequest) -> Result<Admission, LoginError> {
    let turn = deps.hasher.admit(request.address).map_err(Trouble::from)?;
    let reservation = deps.throttle.reserve(Guarded::Password(&request.name), request.address).await?;
    let result = attempt(deps, &*turn, &request).await;
    match &result {
        Ok((_, user)) => reservation.succeeded_for(user).await,
        Err(LoginError::InvalidCredentials) => reservation.failed(deps, login_event(deps, AuditKind::Throttled)),
        Err(_) => reservation.withdrawn().await,
    }
    result.map(|(admission, _)| admission)
}

async fn attempt(deps: &Deps, turn: &dyn HashTurn, request: &LoginRequest) -> Result<(Admission, User), LoginError> {
    let (mut password, mut new_password) = (&request.password, request.new_password.as_ref());
    for _ in 0..ATTEMPTS {
        let account = match &request.identifier {
            Some(identifier) => deps.users.find(identifier).await.map_err(Trouble::from)?,
            None => None,
        };
        let mut account = verified(deps, turn, request, password, account).await?;
        if let Some(new) = new_password {
            // A password that is replaced without a session would be told as a failure that may be tried again.
            deps.sessions.ping().await.map_err(Trouble::from)?;
            let replaced = replace_password(deps, turn, account, password, new, request.address).await?;
            let Some(replaced) = replaced else { continue };
            (account, password, new_password) = (replaced, new, None);
        }
        let now = deps.clock.now();
        let user = account.user.clone();
        let (session, cookie) = begin(deps, request, account, now);
        let created = deps.sessions.create(&session, now).await.map_err(|error| {
            let replaced = request.new_password.is_some();
            if replaced { LoginError::ReplacedOnly } else { Trouble::from(error).into() }
        });
        match created? {
            Creation::Done { ended } => {
                for older in ended {
                    tracing::info!(user = %session.user, ended = %older, "a user had too many sessions; the oldest ended");
                }
                let event = own_event(deps, AuditKind::Login, &session, request.address);
                deps.audit.record(event.of_client(&session.client_id).with("mode", session.mode.as_str()));
                return Ok((first_admission(deps, &session, cookie, now)?, user));
            }
            // The password was changed, or the roles, after they were read: what was read is not true any more.
            Creation::StaleEpoch => {}
        }
    }
    Err(Trouble::Contended.into())
}

async fn verified(
    deps: &Deps,
    turn: &dyn HashTurn,
    request: &LoginRequest,
    password: &Password,
    account: Option<Account>,
) -> Result<Account, LoginError> {
    let hash = account.as_ref().map(|account| account.password.clone());
    let matches = turn.verify(password.clone(), hash).await.map_err(Trouble::from)?;
    let user = account.as_ref().map(|account| account.user.id);
    let Some(account) = account.filter(|_| matches) else {
        deps.audit.record(refused(deps, request, user, "invalid_credentials"));
        return Err(LoginError::InvalidCredentials);
    };
    if account.user.disabled {
        deps.audit.record(refused(deps, request, user, "user_disabled"));
        return Err(LoginError::UserDisabled);
    }
    refuse_temporary(deps, request, &account)?;
    if request.new_password.is_none() && deps.hasher.is_outdated(&account.password) {
        rehash(deps, turn, password, &account).await;
    }
    Ok(account)
}

/// Nobody logs in with a password that somebody else knows: it has to be replaced, and in time.
fn refuse_temporary(deps: &Deps, request: &LoginRequest, account: &Account) -> Result<(), LoginError> {
    let Some(until) = account.temporary_until else { return Ok(()) };
    let error = if until <= deps.clock.now() {
        LoginError::PasswordExpired
    } else if request.new_password.is_none() {
        LoginError::PasswordChangeRequired
    } else {
        return Ok(());
    };
    deps.audit.record(refused(deps, request, Some(account.user.id), "temporary_password"));
    Err(error)
}

/// The cost has changed since the password was set. What goes wrong here goes right at the next login.
async fn rehash(deps: &Deps, turn: &dyn HashTurn, password: &Password, account: &Account) {
    let Ok(new) = turn.hash(password.clone()).await else { return };
    match deps.users.rehash(account.user.id, &account.password, &new).await {
        Ok(()) => tracing::info!(user = %account.user.id, "a password is hashed with the cost of now"),
        Err(error) => tracing::warn!(%error, "a password keeps the cost it was hashed with"),
    }
}

fn refused(deps: &Deps, request: &LoginRequest, user: Option<UserId>, why: &str) -> AuditEvent {
    let event = login_event(deps, AuditKind::LoginFailed).from_address(request.address).with("why", why);
    user.into_iter().fold(event, AuditEvent::to_user)
}

fn login_event(deps: &Deps, kind: AuditKind) -> AuditEvent {
    deps.audit.event(kind, Actor::Anonymous).of_client(FIRST_PARTY_CLIENT)
}

/// Always under a new name and with a new secret, whatever the client held before.
fn begin(deps: &Deps, request: &LoginRequest, account: Account, now: Timestamp) -> (Session, Option<SessionCookie>) {
    let (absolute_ttl, idle_ttl) = lifetimes(deps, request.mode);
    let (id, user) = (SessionId::new(now, &*deps.rng), account.user.id);
    let cookie = (request.mode == Mode::Session).then(|| SessionCookie::new(user, id, &*deps.rng));
    let session = Session {
        id,
        user,
        epoch: account.epoch,
        current: CurrentToken { id: TokenId::new(&*deps.rng), generation: 0 },
        roles: account.user.roles,
        client_id: FIRST_PARTY_CLIENT.to_owned(),
        mode: request.mode,
        scope: deps.policy.scope.clone(),
        created_at: now,
        authenticated_at: now,
        absolute_expiry: now + absolute_ttl,
        idle_expiry: now + idle_ttl,
        last_seen: now,
        device: request.device.clone(),
        address: request.address,
        revoked: None,
        secrets: cookie.as_ref().map(|cookie| SessionSecrets::first(cookie.hash())),
    };
    (session, cookie)
}

fn lifetimes(deps: &Deps, mode: Mode) -> (Duration, Duration) {
    match mode {
        Mode::Bearer | Mode::Cookie | Mode::Session => (deps.policy.absolute_ttl, deps.policy.refresh.idle_ttl),
        Mode::AccessOnly => (deps.policy.access_only_ttl, deps.policy.access_only_ttl),
    }
}

fn first_admission(
    deps: &Deps,
    session: &Session,
    cookie: Option<SessionCookie>,
    now: Timestamp,
) -> Result<Admission, Trouble> {
    let refresh_token = match session.mode {
        Mode::Bearer | Mode::Cookie => Some(deps.refresh_tokens.sign_first(session, now)?),
        Mode::AccessOnly | Mode::Session => None,
    };
    admission(deps, session, refresh_token, cookie, now)
}
