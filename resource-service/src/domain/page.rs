//! Lists in pages, the newest note first. A cursor names the last note that was seen and not a position, so that what is
//! added or removed in between neither repeats nor hides a note.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::note::{Note, NoteId};

/// How many notes a page has: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u8);

/// The text is no page size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a number from 1 to 100")]
pub struct InvalidPageSize;

impl PageSize {
    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(20)
    }
}

impl FromStr for PageSize {
    type Err = InvalidPageSize;

    fn from_str(text: &str) -> Result<Self, InvalidPageSize> {
        text.parse().ok().filter(|number| (1..=100).contains(number)).map(Self).ok_or(InvalidPageSize)
    }
}

/// Where the next page begins: after this note. Outside, 22 characters of base64url that mean nothing to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub NoteId);

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of a page")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.0))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        Uuid::from_slice(&bytes).map(|id| Self(NoteId(id))).map_err(|_| InvalidCursor)
    }
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// `None` for the first page.
    pub after: Option<Cursor>,
    /// How many notes at most.
    pub size: PageSize,
}

/// Some of a user's notes, and where the rest begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The newest first.
    pub notes: Vec<Note>,
    /// `None` when these were the last.
    pub next: Option<Cursor>,
}

impl Page {
    /// The page that `notes` begin. They must be one more than `size`, or all there are.
    #[must_use]
    pub fn beginning(mut notes: Vec<Note>, size: PageSize) -> Self {
        let more = notes.len() > usize::from(size.get());
        notes.truncate(size.get().into());
        let next = notes.last().filter(|_| more).map(|note| Cursor(note.id));
        Self { notes, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_way_to_the_client_and_back() {
        let cursor = Cursor(NoteId(Uuid::from_u128(0x0192_f00d)));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn what_no_page_gave_is_no_cursor() {
        for text in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAA==", "not base64 at all!!!!!"] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text:?}");
        }
    }

    #[test]
    fn a_page_has_one_to_a_hundred_notes() {
        assert_eq!("100".parse(), Ok(PageSize(100)));
        for text in ["0", "101", "-1", "1.5", "", "ten"] {
            assert_eq!(text.parse::<PageSize>(), Err(InvalidPageSize), "{text:?}");
        }
    }
}
