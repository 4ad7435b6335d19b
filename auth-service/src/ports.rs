//! What the use cases need from the outside, in the words of the domain. `storage` and `crypto` implement these.
//!
//! Every method that asks a store is bounded in time by its implementation: it answers, or says
//! [`StoreError::Unavailable`], within a second.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use common::clock::Timestamp;
pub use common::{
    clock::{Clock, SystemClock},
    rng::{Rng, SystemRng},
};

use crate::domain::{
    audit::{AuditEvent, AuditFilter},
    client::{Client, ClientChange, ClientId},
    client_secret::HashedSecret,
    effect::{Effect, PendingEffect},
    ids::{SessionId, UserId},
    invite::{HashedInvite, Invite},
    name_prefix::NamePrefix,
    password::{Password, PasswordHash},
    revocation::{Cursor, Revocation, Revoked},
    session::{PresentedToken, RefreshRules, Refusal, RevokedReason, Rotation, Session},
    session_secret::SecretHash,
    signing_key::{KeyId, Retirement, SigningKey},
    throttle::{Settlement, Verdict},
    user::{Account, DeletedUser, DeletionPlace, Identifier, Renaming, User},
};

/// A store did not do what it was asked. Whether it did a part of it is not known; every method may be called again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is down, slow or full: try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It holds something that cannot be understood. The text names the place, not the content.
    #[error("the store is inconsistent: {0}")]
    Inconsistent(String),
}

/// A new user, as registration makes it.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The user.
    pub user: User,
    /// The stored form of the password.
    pub password: PasswordHash,
    /// The invitation that is used up by it, where one is needed.
    pub invite: Option<HashedInvite>,
}

/// What became of a new user. The store's own unique rules decide, so two at once cannot both succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// It is stored.
    Done,
    /// The username is another's.
    UsernameTaken,
    /// The e-mail address is another's.
    EmailTaken,
    /// The invitation does not exist, has expired or was used.
    InviteInvalid,
}

/// What became of a new name or address. The store's own unique rules decide, so two at once cannot both succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renamed {
    /// The user goes by it.
    Done,
    /// The username is another's.
    UsernameTaken,
    /// The e-mail address is another's.
    EmailTaken,
    /// There is no such user.
    NoSuchUser,
}

/// What became of a change that an administrator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Administered<T> {
    /// It is committed.
    Done(T),
    /// There is no such user.
    NoSuchUser,
    /// Whoever wants it is no administrator any more.
    NotAdministrator,
}

/// Users and their passwords, and the outbox of what changes to them mean for their sessions.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Stores a new user with what the audit trail says of it and uses up the invitation, or does nothing of it.
    async fn insert(&self, account: &NewAccount, audit: &AuditEvent, now: Timestamp) -> Result<Insertion, StoreError>;

    /// Password and epoch are read together: a password change in between cannot mix old and new.
    async fn find(&self, identifier: &Identifier) -> Result<Option<Account>, StoreError>;

    /// The same by id.
    async fn find_by_id(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// Up to `limit` users after `after`, in the order of their ids (which is the order of their registration).
    async fn list(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// The same for users whose username or address begins with `prefix`.
    async fn search(&self, prefix: &NamePrefix, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// Changes a user, raises the epoch and writes `effect` to the outbox and `audit` to the audit trail, all in one
    /// transaction.
    /// `None` when there is no such user, or the password was not `expected` any more.
    async fn change(
        &self,
        id: UserId,
        change: &Change,
        effect: &Effect,
        audit: &AuditEvent,
        now: Timestamp,
    ) -> Result<Option<PendingEffect>, StoreError>;

    /// The same in the name of `administrator`, who must be one at the moment of the commit: of two who take the role from
    /// each other at once, one keeps it.
    async fn change_as(
        &self,
        administrator: UserId,
        id: UserId,
        change: &Change,
        effect: &Effect,
        audit: &AuditEvent,
        now: Timestamp,
    ) -> Result<Administered<PendingEffect>, StoreError>;

    /// Stores another form of the same password, if the old one is still `expected`. Nothing else changes with it, not
    /// even the epoch.
    async fn rehash(&self, id: UserId, expected: &PasswordHash, new: &PasswordHash) -> Result<(), StoreError>;

    /// Lets a disabled user log in again, and says so in the audit trail. `false` when there is no such user.
    async fn enable(&self, id: UserId, audit: &AuditEvent) -> Result<bool, StoreError>;

    /// The same in the name of `administrator`, who must be one at the moment of the commit.
    async fn enable_as(
        &self,
        administrator: UserId,
        id: UserId,
        audit: &AuditEvent,
    ) -> Result<Administered<()>, StoreError>;

    /// Gives a user other names, and says so in the audit trail. `renaming` must not be empty.
    async fn rename(&self, id: UserId, renaming: &Renaming, audit: &AuditEvent) -> Result<Renamed, StoreError>;

    /// Up to `limit` users who were deleted after `after`, or from the first one on, in the order in which they went.
    /// `None` when somebody else, or nobody, is at that place: the store has been put back to an earlier state.
    async fn deleted_after(
        &self,
        after: Option<DeletionPlace>,
        limit: u32,
    ) -> Result<Option<Vec<DeletedUser>>, StoreError>;

    /// Stores an invitation.
    async fn insert_invite(&self, invite: &Invite) -> Result<(), StoreError>;

    /// The oldest effects of the outbox, at most `limit`, in order.
    async fn pending_effects(&self, limit: u32) -> Result<Vec<PendingEffect>, StoreError>;

    /// The effects on one user that are in the outbox, in order.
    async fn pending_effects_of(&self, user: UserId) -> Result<Vec<PendingEffect>, StoreError>;

    /// Takes an effect that has been applied out of the outbox.
    async fn effect_applied(&self, id: i64) -> Result<(), StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Clients: services that ask for tokens of their own.
#[async_trait]
pub trait ClientStore: Send + Sync {
    /// Stores a new client, with what the audit trail says of it. `false` when there is one of that name.
    async fn insert(&self, client: &Client, audit: &AuditEvent, now: Timestamp) -> Result<bool, StoreError>;

    /// The client of that name.
    async fn find(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;

    /// Up to `limit` clients after `after`, by name.
    async fn list(&self, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>, StoreError>;

    /// Gives a client a new secret; the one before is good until `previous_until`. `false` when there is no such client,
    /// or it has none.
    async fn rotate(
        &self,
        id: &ClientId,
        secret: &HashedSecret,
        previous_until: Timestamp,
        audit: &AuditEvent,
    ) -> Result<bool, StoreError>;

    /// Changes what a client may have. `change` must not be empty. `false` when there is no such client.
    async fn change(&self, id: &ClientId, change: &ClientChange, audit: &AuditEvent) -> Result<bool, StoreError>;

    /// Gives a client no more tokens and announces that those before `now` are revoked, or gives it some again. `false`
    /// when there is no such client.
    async fn set_disabled(
        &self,
        id: &ClientId,
        disabled: bool,
        audit: &AuditEvent,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes a client and announces that its tokens from before `now` are revoked. `false` when there is no such client.
    async fn remove(&self, id: &ClientId, audit: &AuditEvent, now: Timestamp) -> Result<bool, StoreError>;

    /// Notes that a client has used the assertion `jti`, which is good until `until`. `false` when it has done so before.
    async fn use_assertion(&self, id: &ClientId, jti: &str, until: Timestamp) -> Result<bool, StoreError>;
}

/// A change to a user that their sessions must follow.
#[derive(Debug, Clone)]
pub enum Change {
    /// A new password of the user's own, if the old one is still `expected`.
    Password {
        /// The stored form that the caller has verified.
        expected: PasswordHash,
        /// The stored form from now on.
        new: PasswordHash,
    },
    /// A temporary password, which its user has to replace before `until`.
    TemporaryPassword {
        /// The stored form.
        new: PasswordHash,
        /// When it is good for nothing any more.
        until: Timestamp,
    },
    /// New roles.
    Roles(Vec<String>),
    /// No more logins.
    Disable,
    /// The user goes, for good, and is one of the [deleted](UserStore::deleted_after).
    Delete,
    /// Nothing of the user, only the sessions.
    SessionsOnly,
}

/// What became of a new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// It is stored.
    Done {
        /// The sessions that it has ended, because the user had too many of its kind.
        ended: Vec<SessionId>,
    },
    /// The user has changed since the login read them (password, roles, all sessions ended): read again.
    StaleEpoch,
}

/// What a refresh came to. The store has carried it out.
#[derive(Debug, Clone, PartialEq)]
pub enum RefreshOutcome {
    /// Nothing to refresh; nothing was changed.
    Refused(Refusal),
    /// A used token came back; the session, as it was, is revoked now.
    Reuse(Box<Session>),
    /// Fresh tokens may be issued.
    Granted {
        /// The session as it is now: current token, idle expiry and last-seen time moved on.
        session: Box<Session>,
        /// Which refresh token the client gets.
        rotation: Rotation,
        /// The store had lost writes and was put right.
        rolled_back: bool,
    },
}

/// The log of what was revoked lately, from which other services learn it. Entries stay until no token lives that they
/// could be about.
#[async_trait]
pub trait RevocationLog: Send + Sync {
    /// Adds to the log. Adding the same twice does no harm. With `before`, only tokens issued before that second are
    /// revoked.
    async fn append(&self, revoked: Vec<Revoked>, before: Option<i64>, now: Timestamp) -> Result<(), StoreError>;

    /// At most `limit` entries after the cursor, or from the start, the oldest first.
    async fn read(&self, after: Option<&Cursor>, limit: u32) -> Result<LogPage, StoreError>;
}

/// A revocation that has been committed, and may not be in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its place among the others.
    pub id: i64,
    /// What is revoked.
    pub revoked: Revoked,
    /// Only tokens issued before this second, where it is given.
    pub before: Option<i64>,
}

/// Revocations on their way from the database into the [`RevocationLog`], which may be in another store: those of
/// clients and keys, which are changed by commands that know the database alone.
#[async_trait]
pub trait Announcements: Send + Sync {
    /// The oldest, at most `limit`, in order.
    async fn pending(&self, limit: u32) -> Result<Vec<Announcement>, StoreError>;

    /// Takes one away that is in the log.
    async fn announced(&self, id: i64) -> Result<(), StoreError>;
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPage {
    /// What is there.
    Entries {
        /// The place after the last of them.
        cursor: Cursor,
        /// In the order in which they were added.
        entries: Vec<LogEntry>,
    },
    /// The log has no such place: it was made anew, put back to an earlier state, or has gone on for long since.
    UnknownCursor,
}

/// An entry and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The place after it, in the log's epoch.
    pub position: String,
    /// What is revoked.
    pub revocation: Revocation,
}

/// Sessions. Each method is one step: no other request sees half of it. What ends a session says so in the
/// [`RevocationLog`] first, or together with it: if it is interrupted in between, other services refuse a session that
/// is not over yet, and never let one pass that is.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Stores a new session, unless the user's epoch is newer than the session's by now. Of the user's sessions of its
    /// kind that are alive at `now`, the newest [`MOST_SESSIONS`](crate::domain::session::MOST_SESSIONS) with the new one
    /// live on; the others end in the same step.
    async fn create(&self, session: &Session, now: Timestamp) -> Result<Creation, StoreError>;

    /// Carries out [`decide_refresh`](crate::domain::session::decide_refresh) for a token whose signature has been
    /// verified. When it grants, `last_seen` is `now` and `idle_expiry` is `now + idle_ttl`.
    async fn refresh(
        &self,
        user: UserId,
        session: SessionId,
        presented: &PresentedToken,
        now: Timestamp,
        rules: RefreshRules,
    ) -> Result<RefreshOutcome, StoreError>;

    /// Carries out [`decide_visit`](crate::domain::session_secret::decide_visit) and returns what comes of it. Mostly that
    /// is a read.
    async fn visit(
        &self,
        user: UserId,
        session: SessionId,
        presented: &SecretHash,
        now: Timestamp,
        idle_ttl: Duration,
    ) -> Result<Option<Session>, StoreError>;

    /// Carries out [`decide_renewal`](crate::domain::session_secret::decide_renewal). `false` when the session is not alive
    /// or the secret not good.
    async fn renew_secret(
        &self,
        user: UserId,
        session: SessionId,
        presented: &SecretHash,
        new: &SecretHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The session if it is alive at `now`.
    async fn find(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// The sessions of a user that are alive at `now`, the newest first.
    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Notes that the user gave the password again at `now`. `false` when the session is not alive.
    async fn reauthenticated(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<bool, StoreError>;

    /// Ends a session. `false` when it was not alive at `now`.
    async fn revoke(
        &self,
        user: UserId,
        session: SessionId,
        reason: RevokedReason,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Users and names of all sessions that began before `instant` and are alive at `now`. This is for operators: it goes
    /// through all of the store and takes as long as that takes. One that is damaged is logged and left out.
    async fn begun_before(&self, instant: Timestamp, now: Timestamp) -> Result<Vec<(UserId, SessionId)>, StoreError>;

    /// Raises the user's epoch to at least that of `effect`, so that no session can be created under an older one,
    /// then does what it says to the sessions of an older epoch than the effect's, and to no others. A session that is
    /// kept, or gets its roles, is of the effect's epoch from then on. So applying one twice does no harm: a session
    /// that began in between is not touched. Effects on one user come in order the first time.
    async fn apply(&self, effect: &PendingEffect, now: Timestamp) -> Result<(), StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// The names of an attempt's counters: codes that tell neither names nor addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptKeys {
    /// Of the address on the account.
    pub pair: String,
    /// Of the account.
    pub account: String,
    /// Of the address, if it is known.
    pub address: Option<String>,
    /// Of the mark that the account was used from the address.
    pub known: String,
}

/// Counters of failed attempts, shared by all replicas.
#[async_trait]
pub trait ThrottleStore: Send + Sync {
    /// Carries out [`decide`](crate::domain::throttle::decide) in one step.
    async fn reserve(&self, attempt: &AttemptKeys, now: Timestamp) -> Result<Verdict, StoreError>;

    /// Carries out [`settle`](crate::domain::throttle::settle); after a success, the marks `also_known` are made as well.
    async fn settle(
        &self,
        attempt: &AttemptKeys,
        settlement: Settlement,
        also_known: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

/// The audit trail.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Adds events. One that is there already, from an attempt before, is left alone.
    async fn append(&self, events: &[AuditEvent]) -> Result<(), StoreError>;

    /// Up to `limit` events that `filter` shows, the newest first.
    async fn find(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEvent>, StoreError>;
}

/// The private part of a signing key, encrypted under a master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// The name of the master key.
    pub master: String,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// A signing key with its private part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The key.
    pub key: SigningKey,
    /// Its private part.
    pub sealed: SealedKey,
}

/// All signing keys at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    /// Raised by every change. The store may have changed since this number was read, never before.
    pub revision: i64,
    /// The keys, in the order in which they sign.
    pub keys: Vec<StoredKey>,
}

/// A change to the signing keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// A new key.
    Insert(StoredKey),
    /// A key begins to sign at another instant.
    Activate(KeyId, Timestamp),
    /// A key ceases to sign.
    Retire(KeyId, Retirement),
    /// The private part is encrypted anew.
    Reseal(KeyId, SealedKey),
    /// A key goes, and it is announced that its tokens are revoked.
    Delete(KeyId),
}

/// The keys that sign access tokens, shared by all replicas.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// All keys.
    async fn load(&self) -> Result<KeyRing, StoreError>;

    /// Carries out all of `changes`, which were decided on the keys of `revision`, with what the audit trail says of
    /// them. `false` when somebody else changed the keys meanwhile: nothing was done, so read and decide again.
    async fn change(&self, revision: i64, changes: &[KeyChange], audit: &[AuditEvent]) -> Result<bool, StoreError>;
}

/// Why a password was not hashed or verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many wait already: answer 503.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// The hash function failed.
    #[error("the hash function failed")]
    Failed,
}

/// Hashes and verifies passwords, away from the threads that serve requests.
pub trait PasswordHasher: Send + Sync {
    /// A turn for a request from `from`, or [`HashError::Busy`] at once: all places are taken, or all that one network
    /// may have. Asked for before anything else, so that whoever finds no place costs next to nothing.
    fn admit(&self, from: Option<IpAddr>) -> Result<Box<dyn HashTurn>, HashError>;

    /// Whether `hash` was made with more or less work than new ones are.
    fn is_outdated(&self, hash: &PasswordHash) -> bool;
}

/// A place in the hasher's queue, given back when it is dropped.
#[async_trait]
pub trait HashTurn: Send + Sync {
    /// The stored form of a new password.
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError>;

    /// Whether `password` is the one that `hash` was made of. For `None`, a user who does not exist, for a hash that
    /// cannot be read, and for a wrong password, the same work is done and the answer is no.
    async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<bool, HashError>;
}
