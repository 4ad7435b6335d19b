//! What the use cases need from the outside, in the words of the domain. `storage` implements the store.

use async_trait::async_trait;
use common::clock::Timestamp;
pub use common::{
    clock::{Clock, SystemClock},
    rng::{Rng, SystemRng},
};
use secrecy::SecretString;
use uuid::Uuid;

use crate::domain::{
    activity::Activity,
    note::{Content, Note, NoteId},
    share::{Share, Username},
};

/// The store did not do what it was asked, or did it and could not say so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is down, slow or full: try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It holds something that cannot be understood. The text names the place, not the content.
    #[error("the store is inconsistent: {0}")]
    Inconsistent(String),
}

/// How much there is of everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Notes.
    pub notes: u64,
    /// Users who have at least one.
    pub owners: u64,
}

/// How much there is of one user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Notes.
    pub notes: u64,
    /// When one of them last changed.
    pub last_changed_at: Option<Timestamp>,
}

/// Notes. No method finds a note without its owner, so nobody can be shown another's by mistake. Each answers, or says
/// [`StoreError::Unavailable`], within a second.
#[async_trait]
pub trait NoteStore: Send + Sync {
    /// Stores a new note. `false` when its owner has been deleted: nothing is kept of them any more.
    async fn insert(&self, note: &Note) -> Result<bool, StoreError>;

    /// A note of `owner`.
    async fn find(&self, owner: Uuid, id: NoteId) -> Result<Option<Note>, StoreError>;

    /// Up to `limit` notes of `owner` that are older than `before`, the newest first.
    async fn list(&self, owner: Uuid, before: Option<NoteId>, limit: u32) -> Result<Vec<Note>, StoreError>;

    /// Gives a note of `owner` new content; the note as it is then, or `None` when there is no such note.
    async fn replace(
        &self,
        owner: Uuid,
        id: NoteId,
        content: &Content,
        now: Timestamp,
    ) -> Result<Option<Note>, StoreError>;

    /// Deletes a note of `owner`. `false` when there is no such note.
    async fn delete(&self, owner: Uuid, id: NoteId) -> Result<bool, StoreError>;

    /// Counts what `owner` has.
    async fn summary(&self, owner: Uuid) -> Result<Summary, StoreError>;

    /// Counts everybody's.
    async fn stats(&self) -> Result<Stats, StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// What became of a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharing {
    /// The user may read the note, since now or from before.
    Done {
        /// As it is stored.
        share: Share,
        /// Whether it is new.
        new: bool,
    },
    /// The owner has no such note.
    NoSuchNote,
    /// The user has been deleted.
    UserGone,
    /// The note has [`MOST_SHARES`](crate::domain::share::MOST_SHARES) already.
    TooMany,
}

/// Whom notes are shown to beside their owners. Each method answers, or says [`StoreError::Unavailable`], within a second.
#[async_trait]
pub trait ShareStore: Send + Sync {
    /// Shows a note of `owner` to somebody.
    async fn share(&self, owner: Uuid, note: NoteId, share: &Share) -> Result<Sharing, StoreError>;

    /// Whom a note of `owner` is shown to, in the order in which that began; `None` when there is no such note.
    async fn shares(&self, owner: Uuid, note: NoteId) -> Result<Option<Vec<Share>>, StoreError>;

    /// Shows a note to `user` no more. It is `by`'s note, or `by` is that user. `false` when it was not shown.
    async fn unshare(&self, by: Uuid, note: NoteId, user: Uuid) -> Result<bool, StoreError>;

    /// A note that is shown to `reader`.
    async fn find_shared(&self, reader: Uuid, note: NoteId) -> Result<Option<Note>, StoreError>;

    /// Up to `limit` notes that are shown to `reader` and older than `before`, the newest first.
    async fn list_shared(&self, reader: Uuid, before: Option<NoteId>, limit: u32) -> Result<Vec<Note>, StoreError>;
}

/// Another service did not do what it was asked. The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Nothing is done on behalf of the user any more: the session is over.
    #[error("the user's token is not accepted")]
    UserRefused,
    /// It does not answer: try again later.
    #[error("{0}")]
    Away(String),
    /// It answers, and a person has to look why not otherwise.
    #[error("{0}")]
    Failed(String),
}

/// A user, as auth-service knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUser {
    /// `sub`
    pub id: Uuid,
    /// As the user goes by it now.
    pub username: String,
}

/// Who goes by which name.
#[async_trait]
pub trait UserDirectory: Send + Sync {
    /// The user of that name, if anybody is.
    async fn find(&self, username: &Username) -> Result<Option<FoundUser>, RemoteError>;
}

/// Another service that knows what users have been doing.
#[async_trait]
pub trait Peer: Send + Sync {
    /// What it knows of the user whose token this is. It is asked on behalf of that user.
    async fn activity(&self, token: &SecretString) -> Result<Activity, RemoteError>;
}
