//! Why a token is not believed.

use super::MAX_TOKEN_BYTES;

/// Why a token is not believed. The text is fit for the client: it never quotes the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// It is neither a signed nor, where that is accepted, an encrypted JWT in compact form (RFC 7515, section 7.1;
    /// RFC 7516, section 7.1), or a part of it cannot be read.
    #[error("the token is malformed")]
    Malformed,
    /// `typ` or `cty` is another, `zip` or the like is present, or an extension is marked critical.
    #[error("the token is of the wrong type")]
    WrongType,
    /// `alg` is not the algorithm of the key, or `enc` is another.
    #[error("the token's algorithm is not accepted")]
    WrongAlgorithm,
    /// `kid` is missing or names no key that is known here.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is not by the key that `kid` names.
    #[error("the token's signature is invalid")]
    BadSignature,
    /// It was not encrypted with the key that `kid` names, or was changed since.
    #[error("the token cannot be decrypted")]
    Undecryptable,
    /// It is signed only, and must be encrypted too.
    #[error("the token is not encrypted")]
    NotEncrypted,
    /// A required claim is missing or of the wrong shape.
    #[error("the token's claims are invalid")]
    InvalidClaims,
    /// `iss` is somebody else.
    #[error("the token's issuer is not accepted")]
    WrongIssuer,
    /// `aud` does not name this service.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iat` or `nbf` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It, its session or its client was revoked.
    #[error("the token has been revoked")]
    Revoked,
    /// It may have been revoked: what is revoked is not known at the moment.
    #[error("it is not known at the moment what has been revoked")]
    StandingUnknown,
    /// Its key may be a good one: the keys have not been read yet.
    #[error("the keys that tokens are verified with are not known yet")]
    KeysUnavailable,
    /// It is a service's own token, and only users may pass.
    #[error("the token is a service's own, and this is for users")]
    NotAUser,
    /// It is a user's token, and only services may pass.
    #[error("the token is a user's, and this is for services")]
    NotAService,
}
