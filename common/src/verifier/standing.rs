//! Whether a token that is right in itself has been revoked since.

use crate::claims::AccessClaims;

/// What has become of a token since it was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Good,
    /// It, its session or its client was revoked.
    Revoked,
    /// Nobody can say at the moment.
    Unknown,
}

/// Who knows what has been revoked. It is asked on every request, so it answers from memory.
pub trait RevocationCheck: Send + Sync {
    /// The standing of a token that is right in every other respect.
    fn check(&self, token: &AccessClaims) -> Standing;
}
