//! What users do with their notes.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    domain::{
        note::{Content, Note, NoteId},
        page::{Page, PageRequest},
    },
    ports::{Clock, NoteStore, Rng, Stats, StoreError},
};

/// The notes of all users.
pub struct Notes {
    store: Arc<dyn NoteStore>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

/// Why nothing was done with one note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The user has no such note. Whether somebody else has is nobody's business.
    #[error("there is no such note")]
    NotFound,
    /// The user has been deleted. The token has not expired yet.
    #[error("the user has been deleted")]
    OwnerGone,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Notes {
    /// The use cases on `store`.
    #[must_use]
    pub fn new(store: Arc<dyn NoteStore>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { store, clock, rng }
    }

    /// Makes a note.
    pub async fn create(&self, owner: Uuid, content: Content) -> Result<Note, NoteError> {
        let now = self.clock.now();
        let note = Note { id: NoteId::new(now, &*self.rng), owner, content, created_at: now, updated_at: now };
        if self.store.insert(&note).await? { Ok(note) } else { Err(NoteError::OwnerGone) }
    }

    /// A page of notes.
    pub async fn list(&self, owner: Uuid, page: PageRequest) -> Result<Page, StoreError> {
        let one_more = u32::from(page.size.get()) + 1;
        let notes = self.store.list(owner, page.after.map(|cursor| cursor.0), one_more).await?;
        Ok(Page::beginning(notes, page.size))
    }

    /// One note.
    pub async fn read(&self, owner: Uuid, id: NoteId) -> Result<Note, NoteError> {
        self.store.find(owner, id).await?.ok_or(NoteError::NotFound)
    }

    /// Replaces all that a note says.
    pub async fn replace(&self, owner: Uuid, id: NoteId, content: Content) -> Result<Note, NoteError> {
        self.store.replace(owner, id, &content, self.clock.now()).await?.ok_or(NoteError::NotFound)
    }

    /// Deletes a note.
    pub async fn delete(&self, owner: Uuid, id: NoteId) -> Result<(), NoteError> {
        if self.store.delete(owner, id).await? { Ok(()) } else { Err(NoteError::NotFound) }
    }

    /// Counts everybody's notes.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        self.store.stats().await
    }
}
