//! What goes wrong in the use cases, as problem documents. The cause stays in the log.

use common::{
    problem::{Problem, Status},
    verifier::TokenError,
};

use crate::{
    ports::{RemoteError, StoreError},
    service::{ActivityError, NoteError, ShareError},
};

/// Seconds: a store comes back within moments, or not for long.
const RETRY_AFTER: u32 = 1;

const NOT_NOW: &str = "This cannot be done right now; try again in a moment";

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "answered 503");
                Self::unavailable("unavailable", NOT_NOW, RETRY_AFTER)
            }
            StoreError::Inconsistent(_) => {
                tracing::error!(%error, "answered 500");
                Self::internal()
            }
        }
    }
}

impl From<ShareError> for Problem {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::NotFound => Self::not_found(),
            ShareError::NoSuchUser => unprocessable("no_such_user", "Nobody goes by that name"),
            ShareError::OwnNote => unprocessable("own_note", "The note is your own"),
            ShareError::TooMany => unprocessable("too_many_shares", "The note is shared with too many users already"),
            ShareError::Lookup(error) => error.into(),
            ShareError::Store(error) => error.into(),
        }
    }
}

impl From<ActivityError> for Problem {
    fn from(error: ActivityError) -> Self {
        match error {
            ActivityError::Store(error) => error.into(),
            ActivityError::Remote(error) => error.into(),
        }
    }
}

impl From<RemoteError> for Problem {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::UserRefused => TokenError::Revoked.into(),
            RemoteError::Away(_) => {
                tracing::warn!(%error, "answered 503");
                Self::unavailable("unavailable", NOT_NOW, RETRY_AFTER)
            }
            RemoteError::Failed(_) => {
                tracing::error!(%error, "answered 502");
                Self::new(Status::BadGateway, "bad_gateway", "Another service gave no answer that can be used")
            }
        }
    }
}

fn unprocessable(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(Status::UnprocessableEntity, code, detail)
}

impl From<NoteError> for Problem {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::NotFound => Self::not_found(),
            NoteError::OwnerGone => TokenError::Revoked.into(),
            NoteError::Store(error) => error.into(),
        }
    }
}
