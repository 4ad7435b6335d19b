//! Notes that are shown to others than their owner.

use common::clock::Timestamp;
use uuid::Uuid;

/// So many users may be shown one note.
pub const MOST_SHARES: usize = 100;

/// The longest name that is looked up, in bytes.
const LONGEST_USERNAME: usize = 64;

/// Somebody who may read a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// `sub` of the user.
    pub user: Uuid,
    /// As the user went by it when the note was shared.
    pub username: String,
    /// Since when.
    pub shared_at: Timestamp,
}

/// A name that somebody may go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

/// The text is nobody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a user")]
pub struct InvalidUsername;

impl Username {
    /// Takes `text` as it is: auth-service knows what names there are.
    pub fn parse(text: String) -> Result<Self, InvalidUsername> {
        let fits = (1..=LONGEST_USERNAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err(InvalidUsername) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
