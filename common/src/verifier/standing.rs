//! Whether a token that is right in itself has been revoked since.

use crate::claims::AccessClaims;

/// What has become of a token since it was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Good,
    /// It, its session, its client or its key was revoked.
    Revoked,
    /// Nobody can say at the moment.
    Unknown,
}

/// Who knows what has been revoked. It is asked on every request, so it answers from memory.
pub trait RevocationCheck: Send + Sync {
    /// The standing of a token that is right in every other respect. `kid` names the key that has signed it.
    fn check(&self, token: &AccessClaims, kid: &str) -> Standing;
}
