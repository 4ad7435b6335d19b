//! Sessions that nobody logged in: copies of a real one, put straight into the store under names of their own.

use std::ops::Range;

use crate::{failure::Failure, finding::RedisRecord};

/// Users that are added, who have as many sessions each.
pub const USERS: u32 = 100_000;

/// Sessions of each of the users that are added.
pub const SESSIONS_OF_ONE: u32 = 10;

/// What their users see as the device.
pub const DEVICE: &str = "Firefox on Windows";

/// What added users' names begin with, and those of their sessions: older than any real one.
pub const USER_NAMES: &str = "01900000-0000-7000-8000-";
/// See [`USER_NAMES`].
pub const SESSION_NAMES: &str = "01900000-0000-7000-9000-";

/// Where sessions can be added.
pub trait Added {
    /// Adds those with these numbers; the first one is a multiple of [`SESSIONS_OF_ONE`].
    fn add(&mut self, numbers: Range<u32>) -> Result<(), Failure>;

    /// What all sessions take, with what finds them.
    fn bytes(&mut self) -> Result<u64, Failure>;

    /// What the record of one of those added is, where that is known.
    fn record(&mut self) -> Result<Option<RedisRecord>, Failure>;
}

/// The user with this number.
pub fn user(number: u32) -> String {
    format!("{USER_NAMES}{number:012}")
}

/// The session with this number.
pub fn session(number: u32) -> String {
    format!("{SESSION_NAMES}{number:012}")
}

/// The user of the session with this number.
pub fn user_of(number: u32) -> String {
    user(number / SESSIONS_OF_ONE)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn names_are_uuids_in_the_order_of_their_numbers() {
        for name in [session(0), session(999_999), user(99_999)] {
            assert_eq!(Uuid::parse_str(&name).unwrap().get_version_num(), 7, "{name}");
        }
        assert!(session(9) < session(10));
        assert_eq!((user_of(9), user_of(10)), (user(0), user(1)));
    }
}
