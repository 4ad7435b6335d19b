//! Where things lie. The braces make Redis Cluster keep everything of one user together.

use crate::domain::ids::{SessionId, UserId};

/// The hash of one session.
pub(super) fn session(user: UserId, session: SessionId) -> String {
    format!("lk:{{{user}}}:s:{session}")
}

/// What the keys of all sessions match.
pub(super) const ANY_SESSION: &str = "lk:{*}:s:*";

/// The session whose hash has this key.
pub(super) fn session_at(key: &str) -> Option<(UserId, SessionId)> {
    let (user, session) = key.strip_prefix("lk:{")?.split_once("}:s:")?;
    Some((user.parse().ok()?, session.parse().ok()?))
}

/// The sorted set of the user's sessions that may be alive; the score is the absolute expiry in microseconds.
pub(super) fn index(user: UserId) -> String {
    format!("lk:{{{user}}}:idx")
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
    format!("lk:{{{user}}}:fence")
}

/// A counter of the throttle. An attempt looks at several in one script, so all of them lie in one slot.
pub(super) fn throttle(code: &str) -> String {
    format!("lk:{{throttle}}:{code}")
}

/// The newest change to the user that the store has heard of.
pub(super) fn epoch(user: UserId) -> String {
    format!("lk:{{{user}}}:epoch")
}
