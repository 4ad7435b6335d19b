//! What a change to a user means for the user's sessions.
//!
//! The change and its effect are written in one SQL transaction (an outbox); the effect is then applied to the
//! session store, at once or as soon as that store can be reached, in order for each user.
//!
//! Each change raises the user's epoch by one, and every session remembers the epoch it was made under. An effect
//! touches only sessions of an older epoch than its own: applied a second time, after a crash in between, it leaves
//! the logins since then alone. A login that read the user before the change cannot create a session after it.

use serde::{Deserialize, Serialize};

use super::{
    ids::{SessionId, UserId},
    session::RevokedReason,
};

/// An effect that has been committed and may not have been applied yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEffect {
    /// Its place in the outbox. Effects on one user are applied in this order.
    pub id: i64,
    /// Whose sessions.
    pub user: UserId,
    /// The user's epoch from this change on: sessions made under an older one are refused.
    pub epoch: i64,
    /// What happens to the sessions there are.
    pub effect: Effect,
}

/// What happens to a user's sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// All of them end, but for `except`.
    EndSessions {
        /// Why.
        reason: EndReason,
        /// The session that asked for it, where it may live on.
        except: Option<SessionId>,
    },
    /// All of them have these roles.
    SetRoles {
        /// The user's roles from now on.
        roles: Vec<String>,
    },
}

/// Why all sessions of a user end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The user logged out everywhere.
    LogoutAll,
    /// The password was changed.
    PasswordChange,
    /// The user was disabled.
    UserDisabled,
    /// The user is gone.
    UserDeleted,
}

impl From<EndReason> for RevokedReason {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::LogoutAll => Self::Logout,
            EndReason::PasswordChange => Self::PasswordChange,
            EndReason::UserDisabled => Self::UserDisabled,
            EndReason::UserDeleted => Self::UserDeleted,
        }
    }
}
