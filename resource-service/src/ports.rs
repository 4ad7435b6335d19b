//! What the use cases need from the outside, in the words of the domain. `storage` implements the store.

use async_trait::async_trait;
use common::clock::Timestamp;
pub use common::{
    clock::{Clock, SystemClock},
    rng::{Rng, SystemRng},
};
use uuid::Uuid;

use crate::domain::note::{Content, Note, NoteId};

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

    /// Counts everybody's.
    async fn stats(&self) -> Result<Stats, StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
