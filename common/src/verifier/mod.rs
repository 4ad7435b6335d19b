//! Decides whether a token may be believed.
//!
//! The order is fixed: size, form, header, key, signature, claims, time. Nothing of a token is used before the
//! step that makes it trustworthy, and the header never chooses how it is checked: `kid` names a key, and the
//! key says the algorithm. Signatures are checked by `jsonwebtoken`; what that crate leaves to its caller
//! (`typ`, `crit`, repeated members, `iat`, our clock) is checked here.

mod header;
mod strict_json;

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};

use crate::{
    claims::{ACCESS_TOKEN_TYPE, AccessClaims, RegisteredTimes, TimedClaims},
    clock::{Clock, Timestamp},
    secret::SecretSet,
};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The difference between two machines' clocks that is forgiven.
pub const LEEWAY: Duration = Duration::from_secs(5);

/// Why a token is not believed. The text is fit for the client: it never quotes the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// It is not a signed JWT in compact form (RFC 7515, section 7.1), or a part of it cannot be read.
    #[error("the token is malformed")]
    Malformed,
    /// `typ` is another, `zip` or the like is present, or an extension is marked critical.
    #[error("the token is of the wrong type")]
    WrongType,
    /// `alg` is not the algorithm of the key.
    #[error("the token's algorithm is not accepted")]
    WrongAlgorithm,
    /// `kid` is missing or names no key that is known here.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is not by the key that `kid` names.
    #[error("the token's signature is invalid")]
    BadSignature,
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
    /// It is a service's own token, and only users may pass.
    #[error("the token is a service's own, and this is for users")]
    NotAUser,
    /// It is a user's token, and only services may pass.
    #[error("the token is a user's, and this is for services")]
    NotAService,
}

/// What a kind of token must say to be accepted.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The header parameter `typ`.
    pub token_type: &'static str,
    /// `iss`
    pub issuer: String,
    /// The `aud` entry that must be present; `None` for a token that goes back to its issuer only.
    pub audience: Option<String>,
}

struct Key {
    kid: String,
    algorithm: Algorithm,
    decoding: DecodingKey,
    validation: Validation,
}

/// Verifies tokens of one kind that are signed with a [`SecretSet`].
pub struct JwsVerifier {
    token_type: &'static str,
    keys: Vec<Key>,
    clock: Arc<dyn Clock>,
}

impl JwsVerifier {
    /// A verifier that accepts tokens signed with any of `secrets`.
    #[must_use]
    pub fn new(expected: &Expected, secrets: &SecretSet, clock: Arc<dyn Clock>) -> Self {
        let keys = secrets
            .iter()
            .map(|secret| Key {
                kid: secret.kid(),
                algorithm: Algorithm::HS256,
                decoding: DecodingKey::from_secret(secret.as_bytes()),
                validation: validation(expected, Algorithm::HS256),
            })
            .collect();
        Self { token_type: expected.token_type, keys, clock }
    }

    /// The claims of `token`, if it may be believed now.
    pub fn verify<C: TimedClaims>(&self, token: &str) -> Result<C, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let parts = header::split(token)?;
        let header = header::read(parts.header)?;
        if header.token_type != self.token_type {
            return Err(TokenError::WrongType);
        }
        let key = self.keys.iter().find(|key| key.kid == header.kid).ok_or(TokenError::UnknownKey)?;
        if header.algorithm != key.algorithm {
            return Err(TokenError::WrongAlgorithm);
        }
        let decoded =
            jsonwebtoken::decode::<C>(token, &key.decoding, &key.validation).map_err(|error| refusal(error.kind()))?;
        strict_json::check_part(parts.claims)?;
        self.check_times(decoded.claims.times())?;
        Ok(decoded.claims)
    }

    fn check_times(&self, times: RegisteredTimes) -> Result<(), TokenError> {
        let now = self.clock.now();
        if Timestamp::from_seconds(times.exp) + LEEWAY <= now {
            return Err(TokenError::Expired);
        }
        let latest_start = now + LEEWAY;
        if [Some(times.iat), times.nbf].into_iter().flatten().any(|at| Timestamp::from_seconds(at) > latest_start) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}

/// Every switch is set by hand: the defaults forgive a missing issuer and a minute of lateness.
fn validation(expected: &Expected, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = 0;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_issuer(&[&expected.issuer]);
    validation.validate_aud = expected.audience.is_some();
    if let Some(audience) = &expected.audience {
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    } else {
        validation.set_required_spec_claims(&["iss", "sub", "exp"]);
    }
    validation
}

fn refusal(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::BadSignature,
        ErrorKind::InvalidIssuer => TokenError::WrongIssuer,
        ErrorKind::InvalidAudience => TokenError::WrongAudience,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::Json(_) | ErrorKind::InvalidClaimFormat(_) => {
            TokenError::InvalidClaims
        }
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => TokenError::WrongAlgorithm,
        _ => TokenError::Malformed,
    }
}

/// Verifies access tokens.
pub struct Verifier {
    jws: JwsVerifier,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Accepts access tokens of `issuer` whose `aud` names `audience`, signed with any of `secrets`.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, secrets: &SecretSet, clock: Arc<dyn Clock>) -> Self {
        let expected =
            Expected { token_type: ACCESS_TOKEN_TYPE, issuer: issuer.to_owned(), audience: Some(audience.to_owned()) };
        Self { jws: JwsVerifier::new(&expected, secrets, Arc::clone(&clock)), clock }
    }

    /// The claims of `token`, if it may be believed now.
    pub fn verify(&self, token: &str) -> Result<AccessClaims, TokenError> {
        self.jws.verify(token)
    }

    /// The present instant, by the clock that tokens are checked against.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
