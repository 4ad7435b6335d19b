//! What was revoked, as services are told that mirror it.

use std::{fmt, str::FromStr, time::Duration};

use common::clock::Timestamp;

use super::{client::ClientId, ids::SessionId, session::UnknownWord};

/// How long entries are kept when nothing else is said: an access token of an hour, the leeway, and a minute.
pub const DEFAULT_LOG_KEPT: Duration = Duration::from_secs(3600 + 65);

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// All tokens of a session.
    Session(SessionId),
    /// One token, by its `jti`.
    Token(String),
    /// All of a client's own tokens.
    Client(ClientId),
    /// All tokens signed with a key, by its `kid`.
    Key(String),
}

impl Revoked {
    /// The word for its kind, and its name.
    #[must_use]
    pub fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Session(id) => ("sid", id.to_string()),
            Self::Token(jti) => ("jti", jti.clone()),
            Self::Client(id) => ("client", id.to_string()),
            Self::Key(kid) => ("kid", kid.clone()),
        }
    }

    /// What the parts stand for.
    pub fn from_parts(kind: &str, name: String) -> Result<Self, UnknownWord> {
        match kind {
            "sid" => name.parse().map(Self::Session).map_err(|_| UnknownWord),
            "jti" => Ok(Self::Token(name)),
            "client" => name.parse().map(Self::Client).map_err(|_| UnknownWord),
            "kid" => Ok(Self::Key(name)),
            _ => Err(UnknownWord),
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub revoked: Revoked,
    /// Only tokens issued before this second, where it is given.
    pub before: Option<i64>,
    /// When the last token that it could be about has ended.
    pub until: Timestamp,
}

/// A place in the log: between two entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which log: another one where the store was made anew.
    pub epoch: String,
    /// The entry before it. It names that entry and not a number only: in a store that was put back to an earlier state,
    /// another entry may have come to the same number.
    pub position: String,
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.position)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let plain = |part: &str| {
            (1..=64).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let (epoch, position) = text.split_once('.').ok_or(InvalidCursor)?;
        let fits = plain(epoch) && plain(position);
        fits.then(|| Self { epoch: epoch.to_owned(), position: position.to_owned() }).ok_or(InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_cursor_is_read_as_it_stands_or_not_at_all(
            text in prop_oneof!["[-a-zA-Z0-9]{0,70}[.]?[-0-9]{0,5}[.]?", ".{0,80}"],
        ) {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        for text in ["a.0", "17c2.1800000000000-0", "0f.12-302099a8"] {
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        for text in ["", ".", "a", "a.", ".1", "a.1.2", "a.1 ", "ä.1", "a.*", &format!("a.{}", "1".repeat(65))] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }

    #[test]
    fn only_known_kinds_are_understood() {
        let sid = "01890a5d-ac96-774b-bcce-b302099a8058";
        for (kind, name) in [("sid", sid), ("jti", "x"), ("client", "reports"), ("kid", "k")] {
            let revoked = Revoked::from_parts(kind, name.to_owned()).unwrap();
            assert_eq!(revoked.parts(), (kind, name.to_owned()));
        }
        for (kind, name) in [("sid", "x"), ("client", "X"), ("user", "x"), ("", "")] {
            assert!(Revoked::from_parts(kind, name.to_owned()).is_err());
        }
    }
}
