//! What goes wrong in the use cases, as problem documents. The cause stays in the log.

use common::{problem::Problem, verifier::TokenError};

use crate::{ports::StoreError, service::NoteError};

/// Seconds: a store comes back within moments, or not for long.
const RETRY_AFTER: u32 = 1;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "answered 503");
                let detail = "This cannot be done right now; try again in a moment";
                Self::unavailable("unavailable", detail, RETRY_AFTER)
            }
            StoreError::Inconsistent(_) => {
                tracing::error!(%error, "answered 500");
                Self::internal()
            }
        }
    }
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
