//! Notes, and what a note may say.

use std::{fmt, str::FromStr};

use common::{
    clock::Timestamp,
    rng::{Rng, uuid_v7},
};
use uuid::Uuid;

/// The longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// The longest body, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A note's name: a `UUIDv7`, so that notes sort by the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteId(pub Uuid);

impl NoteId {
    /// A new name.
    pub fn new(now: Timestamp, rng: &dyn Rng) -> Self {
        Self(uuid_v7(now, rng))
    }
}

impl fmt::Display for NoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for NoteId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::try_parse(text).map(Self)
    }
}

/// 1 to [`MAX_TITLE_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

/// The text is no title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {MAX_TITLE_CHARS} characters, none of them NUL")]
pub struct InvalidTitle;

impl Title {
    /// Takes `text` as it is.
    pub fn parse(text: String) -> Result<Self, InvalidTitle> {
        let fits = (1..=MAX_TITLE_CHARS).contains(&text.chars().count()) && is_storable(&text);
        if fits { Ok(Self(text)) } else { Err(InvalidTitle) }
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// At most [`MAX_BODY_BYTES`]; may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(String);

/// The text is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at most {MAX_BODY_BYTES} bytes in UTF-8, and no NUL")]
pub struct InvalidBody;

impl Body {
    /// Takes `text` as it is.
    pub fn parse(text: String) -> Result<Self, InvalidBody> {
        let fits = text.len() <= MAX_BODY_BYTES && is_storable(&text);
        if fits { Ok(Self(text)) } else { Err(InvalidBody) }
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Postgres has no NUL in its texts.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// What a user writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The line in a list.
    pub title: Title,
    /// The rest.
    pub body: Body,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its name.
    pub id: NoteId,
    /// Whose it is: `sub` of the token it was made with.
    pub owner: Uuid,
    /// What it says.
    pub content: Content,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_measured_in_characters() {
        assert!(Title::parse("ß".repeat(200)).is_ok());
        assert_eq!(Title::parse("ß".repeat(201)), Err(InvalidTitle));
        assert_eq!(Title::parse(String::new()), Err(InvalidTitle));
    }

    #[test]
    fn a_body_is_measured_in_bytes_and_may_be_empty() {
        assert!(Body::parse("ß".repeat(32 * 1024)).is_ok());
        assert_eq!(Body::parse("x".repeat(64 * 1024 + 1)), Err(InvalidBody));
        assert!(Body::parse(String::new()).is_ok());
    }

    #[test]
    fn what_postgres_cannot_store_is_refused_everywhere() {
        assert_eq!(Title::parse("a\0b".to_owned()), Err(InvalidTitle));
        assert_eq!(Body::parse("a\0b".to_owned()), Err(InvalidBody));
    }

    struct Always(u8);

    impl Rng for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_later_note_sorts_after_an_earlier_one_whatever_chance_says() {
        let earlier = NoteId::new(Timestamp::from_micros(1_000), &Always(255));
        let later = NoteId::new(Timestamp::from_micros(2_000), &Always(0));
        assert!(earlier < later && earlier.to_string() < later.to_string());
        assert_eq!(earlier.0.get_version_num(), 7);
    }
}
