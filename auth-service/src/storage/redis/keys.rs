//! Where things lie. The braces make Redis Cluster keep everything of one user together.

use super::id;
use crate::domain::ids::{SessionId, UserId};

/// The hash of one session.
pub(super) fn session(user: UserId, session: SessionId) -> String {
    format!("lk:{{{}}}:s:{}", id::written(&user.0), id::written(&session.0))
}

/// What the keys of all sessions match.
pub(super) const ANY_SESSION: &str = "lk:{*}:s:*";

/// The session whose hash has this key.
pub(super) fn session_at(key: &str) -> Option<(UserId, SessionId)> {
    let (user, session) = key.strip_prefix("lk:{")?.split_once("}:s:")?;
    Some((UserId(id::read(user.as_bytes())?), SessionId(id::read(session.as_bytes())?)))
}

/// The sorted set of the user's sessions that may be alive; the score is the absolute expiry in seconds, rounded up.
pub(super) fn index(user: UserId) -> String {
    format!("lk:{{{}}}", id::written(&user.0))
}

/// The revocation log, and what tells it from another one.
pub(super) fn log() -> [String; 2] {
    ["lk:{revocations}".to_owned(), "lk:{revocations}:epoch".to_owned()]
}

/// A key that is nothing but written to, at the node of the revocation log.
pub(super) fn log_fence() -> String {
    "lk:{revocations}:fence".to_owned()
}

/// The same at the node of the user's sessions.
pub(super) fn fence(user: UserId) -> String {
    format!("lk:{{{}}}:fence", id::written(&user.0))
}

/// A counter of the throttle. An attempt looks at several in one script, so all of them lie in one slot.
pub(super) fn throttle(code: &str) -> String {
    format!("lk:{{throttle}}:{code}")
}

/// The newest change to the user that the store has heard of.
pub(super) fn epoch(user: UserId) -> String {
    format!("lk:{{{}}}:epoch", id::written(&user.0))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const USER: UserId = UserId(Uuid::from_u128(1));
    const SESSION: SessionId = SessionId(Uuid::from_u128(2));

    #[test]
    fn a_session_is_told_by_its_key_and_by_no_other_text() {
        let key = session(USER, SESSION);
        assert_eq!(key, "lk:{AAAAAAAAAAAAAAAAAAAAAQ}:s:AAAAAAAAAAAAAAAAAAAAAg");
        assert_eq!(session_at(&key), Some((USER, SESSION)));
        for other in [
            "lk:{AAAAAAAAAAAAAAAAAAAAAQ}:s:AAAAAAAAAAAAAAAAAAAAAh",
            "lk:{AAAAAAAAAAAAAAAAAAAAAR}:s:AAAAAAAAAAAAAAAAAAAAAg",
            "lk:{00000000-0000-0000-0000-000000000001}:s:00000000-0000-0000-0000-000000000002",
            "lk:{AAAAAAAAAAAAAAAAAAAAAQ}:s:",
            "lk:{AAAAAAAAAAAAAAAAAAAAAQ}",
        ] {
            assert_eq!(session_at(other), None, "{other}");
        }
    }
}
