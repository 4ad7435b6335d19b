//! What a user has been doing, here and at the service that this one asks.

use common::clock::Timestamp;

/// What one service knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Who says so: the service's name in `aud`.
    pub service: String,
    /// The user's notes there.
    pub notes: u64,
    /// When one of them last changed.
    pub last_changed_at: Option<Timestamp>,
    /// The services through whose hands the token had gone by which the service was asked, the last one first.
    pub actors: Vec<String>,
    /// What the next service says, where there is one.
    pub peer: Option<Box<Activity>>,
}
