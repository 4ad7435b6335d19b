//! What happened that matters to security: one event, for the log and for the store.

use std::{collections::BTreeMap, fmt, net::IpAddr, str::FromStr};

use common::{
    clock::Timestamp,
    rng::{Rng, uuid_v7},
};
use uuid::Uuid;

use super::ids::{SessionId, UserId};

/// The text is none of the words or forms that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not known")]
pub struct UnknownAuditText;

macro_rules! kinds {
    ($($(#[$attribute:meta])* $name:ident = $word:literal,)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AuditKind {
            $($(#[$attribute])* $name,)+
        }

        impl AuditKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word for it in the log, in the store and outside.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

kinds! {
    /// A password was right, and a session began.
    Login = "login",
    /// A login was refused. Where the name is nobody's, there is no subject; what was typed is not kept, since people
    /// type passwords into the wrong field.
    LoginFailed = "login_failed",
    /// So many attempts have failed that the next one has to wait. `limit` says which limit it is.
    Throttled = "throttled",
    /// A used refresh token came back: somebody held another's session. It was ended.
    TokenReused = "token_reused",
    /// A session was ended by its holder.
    Logout = "logout",
    /// A user ended all of their sessions.
    LogoutAll = "logout_all",
    /// One access token was revoked by the client that holds it. `jti` says which.
    TokenRevoked = "token_revoked",
    /// A session was ended from another one, or by an administrator.
    SessionEnded = "session_ended",
    /// An administrator ended all sessions of a user.
    SessionsEnded = "sessions_ended",
    /// A user changed the password.
    PasswordChanged = "password_changed",
    /// An administrator gave a user a password.
    PasswordSet = "password_set",
    /// A user gave the password once more within a session.
    Reauthenticated = "reauthenticated",
    /// Within a session, the password that was given was another.
    WrongPassword = "wrong_password",
    /// Somebody registered.
    Registered = "registered",
    /// An administrator added a user.
    UserAdded = "user_added",
    /// A user came from a file, with a hash made elsewhere.
    UserImported = "user_imported",
    /// A user's name or address was changed.
    UserRenamed = "user_renamed",
    /// A user may log in no more.
    UserDisabled = "user_disabled",
    /// A disabled user may log in again.
    UserEnabled = "user_enabled",
    /// A user is gone.
    UserDeleted = "user_deleted",
    /// A user has other roles. `roles` says which.
    RolesChanged = "roles_changed",
    /// A client was added.
    ClientAdded = "client_added",
    /// A client got another secret.
    ClientSecretChanged = "client_secret_changed",
    /// What a client may have was changed. The details say what, and to what.
    ClientChanged = "client_changed",
    /// The same, as it was said when nothing but the scope could be changed.
    ClientScopeChanged = "client_scope_changed",
    /// A client may get no tokens any more.
    ClientDisabled = "client_disabled",
    /// A disabled client may get tokens again.
    ClientEnabled = "client_enabled",
    /// A client is gone.
    ClientRemoved = "client_removed",
    /// Somebody who said to be a client was not, or the client is disabled.
    ClientRefused = "client_refused",
    /// A signing key was made. `kid` is its name, as in all events on keys.
    KeyAdded = "key_added",
    /// When a signing key begins to sign was changed.
    KeyScheduled = "key_scheduled",
    /// When a signing key ceases to sign, and to be accepted, is fixed.
    KeyRetired = "key_retired",
    /// A signing key was encrypted under another master key.
    KeyRewrapped = "key_rewrapped",
    /// A signing key is gone, and nothing that it signed is accepted.
    KeyDeleted = "key_deleted",
}

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuditKind {
    type Err = UnknownAuditText;

    fn from_str(word: &str) -> Result<Self, UnknownAuditText> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word).ok_or(UnknownAuditText)
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user, within a session or by giving the password.
    User(UserId),
    /// A client, by its id.
    Client(String),
    /// Somebody who has not shown who they are.
    Anonymous,
    /// Whoever ran a command on the machine.
    Operator,
    /// Auth-service itself.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::Client(client) => write!(f, "client:{client}"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

impl FromStr for Actor {
    type Err = UnknownAuditText;

    fn from_str(text: &str) -> Result<Self, UnknownAuditText> {
        match (text, text.split_once(':')) {
            (_, Some(("user", id))) => id.parse().map(Self::User).map_err(|_| UnknownAuditText),
            (_, Some(("client", id))) if !id.is_empty() => Ok(Self::Client(id.to_owned())),
            ("anonymous", _) => Ok(Self::Anonymous),
            ("operator", _) => Ok(Self::Operator),
            ("system", _) => Ok(Self::System),
            _ => Err(UnknownAuditText),
        }
    }
}

/// Something that happened. Made by [`AuditEvent::new`], completed by the methods that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its name: a `UUIDv7`, so that events sort by the time they happened.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// Who did it.
    pub actor: Actor,
    /// The user it happened to.
    pub subject: Option<UserId>,
    /// The session it happened in or to.
    pub session: Option<SessionId>,
    /// The client it happened through or to.
    pub client: Option<String>,
    /// Where the request came from, if known; erased long before the rest.
    pub address: Option<IpAddr>,
    /// What else there is to say. Never a secret, and never an address.
    pub detail: BTreeMap<String, String>,
}

impl AuditEvent {
    /// `actor` did something at `now`.
    #[must_use]
    pub fn new(kind: AuditKind, actor: Actor, now: Timestamp, rng: &dyn Rng) -> Self {
        Self {
            id: uuid_v7(now, rng),
            at: now,
            kind,
            actor,
            subject: None,
            session: None,
            client: None,
            address: None,
            detail: BTreeMap::new(),
        }
    }

    /// It happened to this user.
    #[must_use]
    pub fn to_user(self, user: UserId) -> Self {
        Self { subject: Some(user), ..self }
    }

    /// It happened in or to this session.
    #[must_use]
    pub fn in_session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// It happened through or to this client.
    #[must_use]
    pub fn of_client(self, client: impl Into<String>) -> Self {
        Self { client: Some(client.into()), ..self }
    }

    /// The request came from here.
    #[must_use]
    pub fn from_address(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// What else there is to say.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// Which events to show.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Done by this user, or to them.
    pub user: Option<UserId>,
    /// Of this kind.
    pub kind: Option<AuditKind>,
    /// Not before this instant.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// Older than this event.
    pub after: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_actors_survive_the_way_into_a_store_and_back() {
        for kind in AuditKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        let user = Actor::User(UserId(Uuid::from_u128(7)));
        for actor in [user, Actor::Client("billing".to_owned()), Actor::Anonymous, Actor::Operator, Actor::System] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for text in ["", "user:", "user:ada", "client:", "root"] {
            assert_eq!(text.parse::<Actor>(), Err(UnknownAuditText), "{text:?}");
        }
    }
}
