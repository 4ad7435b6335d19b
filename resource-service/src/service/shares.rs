//! Notes that users show to others.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    domain::{
        note::{Note, NoteId},
        page::{Page, PageRequest},
        share::{Share, Username},
    },
    ports::{Clock, RemoteError, ShareStore, Sharing, StoreError, UserDirectory},
};

/// Who is shown whose notes.
pub struct Shares {
    store: Arc<dyn ShareStore>,
    /// Where names are looked up; none, where this service is no client of auth-service.
    directory: Option<Arc<dyn UserDirectory>>,
    clock: Arc<dyn Clock>,
}

/// Why a note is not shown, or not any less.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// The user has no such note, or it is not shown to that user.
    #[error("there is no such note, or it is not shared")]
    NotFound,
    /// Nobody goes by that name.
    #[error("there is no such user")]
    NoSuchUser,
    /// It is the user's own.
    #[error("the note is the user's own")]
    OwnNote,
    /// It is shown to as many as it may be.
    #[error("the note is shared with too many already")]
    TooMany,
    /// Names cannot be looked up.
    #[error("users cannot be looked up: {0}")]
    Lookup(#[from] RemoteError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shares {
    /// The use cases on `store`.
    #[must_use]
    pub fn new(store: Arc<dyn ShareStore>, directory: Option<Arc<dyn UserDirectory>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, directory, clock }
    }

    /// Shows a note of `owner` to the user of that name. `true` when it was not shown to them before.
    pub async fn share(&self, owner: Uuid, note: NoteId, username: &Username) -> Result<(Share, bool), ShareError> {
        // A stranger's note is nobody's reason to look anybody up.
        self.store.shares(owner, note).await?.ok_or(ShareError::NotFound)?;
        let directory = self.directory.as_ref();
        let directory =
            directory.ok_or_else(|| RemoteError::Failed("this service is no client of auth-service".to_owned()))?;
        let user = directory.find(username).await?.ok_or(ShareError::NoSuchUser)?;
        if user.id == owner {
            return Err(ShareError::OwnNote);
        }
        let share = Share { user: user.id, username: user.username, shared_at: self.clock.now() };
        match self.store.share(owner, note, &share).await? {
            Sharing::Done { share, new } => Ok((share, new)),
            Sharing::NoSuchNote => Err(ShareError::NotFound),
            Sharing::UserGone => Err(ShareError::NoSuchUser),
            Sharing::TooMany => Err(ShareError::TooMany),
        }
    }

    /// Whom a note of `owner` is shown to.
    pub async fn of_note(&self, owner: Uuid, note: NoteId) -> Result<Vec<Share>, ShareError> {
        self.store.shares(owner, note).await?.ok_or(ShareError::NotFound)
    }

    /// Shows a note to `user` no more: its owner wants that, or `user` does.
    pub async fn unshare(&self, by: Uuid, note: NoteId, user: Uuid) -> Result<(), ShareError> {
        if self.store.unshare(by, note, user).await? { Ok(()) } else { Err(ShareError::NotFound) }
    }

    /// A page of the notes that others show to `reader`.
    pub async fn list(&self, reader: Uuid, page: PageRequest) -> Result<Page, StoreError> {
        let one_more = u32::from(page.size.get()) + 1;
        let notes = self.store.list_shared(reader, page.after.map(|cursor| cursor.0), one_more).await?;
        Ok(Page::beginning(notes, page.size))
    }

    /// A note that somebody shows to `reader`.
    pub async fn read(&self, reader: Uuid, note: NoteId) -> Result<Note, ShareError> {
        self.store.find_shared(reader, note).await?.ok_or(ShareError::NotFound)
    }
}
