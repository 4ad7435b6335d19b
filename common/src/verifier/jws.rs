//! Signed tokens: header, key, signature, claims, time, in this order.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use serde::{Deserialize, Deserializer};

use super::{Keys, LEEWAY, MAX_TOKEN_BYTES, TokenError, VerifyingKey, header, keys::KeyInForce, strict_json};
use crate::{
    claims::{RegisteredTimes, TimedClaims},
    clock::{Clock, Timestamp},
};

/// What keys may be used with. Each key has one of them.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::HS256, Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

/// What a kind of token must say to be accepted.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The header parameter `typ`.
    pub token_type: TokenType,
    /// `iss`
    pub issuer: String,
    /// The `aud` entries of which one must be present; none for a token that goes back to its issuer only.
    pub audiences: Vec<String>,
}

/// Which `typ` a kind of token has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// This one. Tokens that auth-service signs are told apart by it (RFC 8725, section 3.11).
    Is(&'static str),
    /// One of these, or none, as standards from before that advice have it. The header may lack `kid` too, where there is
    /// only one key.
    OneOfOrNone(&'static [&'static str]),
}

impl TokenType {
    fn accepts(self, token_type: Option<&str>) -> bool {
        match (self, token_type) {
            (Self::Is(expected), Some(actual)) => expected == actual,
            (Self::Is(_), None) => false,
            (Self::OneOfOrNone(expected), Some(actual)) => expected.contains(&actual),
            (Self::OneOfOrNone(_), None) => true,
        }
    }
}

/// Verifies tokens of one kind with the [`Keys`] in force.
pub struct JwsVerifier {
    expected: Expected,
    /// One an algorithm.
    validations: [(Algorithm, Validation); 4],
    keys: Keys,
    clock: Arc<dyn Clock>,
}

impl JwsVerifier {
    /// A verifier that accepts tokens signed with any of `keys`.
    #[must_use]
    pub fn new(expected: &Expected, keys: Keys, clock: Arc<dyn Clock>) -> Self {
        let validations = ALGORITHMS.map(|algorithm| (algorithm, validation(expected, algorithm)));
        Self { expected: expected.clone(), validations, keys, clock }
    }

    /// The claims of `token`, if it may be believed now.
    pub fn verify<C: TimedClaims>(&self, token: &str) -> Result<C, TokenError> {
        let (claims, _) = self.verify_signature(token)?;
        check_times(C::times(&claims), self.clock.now())?;
        Ok(claims)
    }

    /// The claims of `token` and the key that signed it. The time is left to the caller.
    pub(super) fn verify_signature<C: TimedClaims>(&self, token: &str) -> Result<(C, Arc<KeyInForce>), TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let parts = header::split(token)?;
        let header = header::read(parts.header)?;
        if !self.expected.token_type.accepts(header.token_type.as_deref()) {
            return Err(TokenError::WrongType);
        }
        let keys = self.keys.current();
        let key = match (&header.kid, self.expected.token_type) {
            (Some(kid), _) => keys.find(kid),
            (None, TokenType::Is(_)) => None,
            (None, TokenType::OneOfOrNone(_)) => keys.only(),
        };
        let key = key.ok_or(TokenError::UnknownKey)?;
        let VerifyingKey { algorithm, decoding, .. } = key.key();
        if header.algorithm != *algorithm {
            return Err(TokenError::WrongAlgorithm);
        }
        if header.is_fully_specified {
            let claims = self.verify_fully_specified(token, parts.claims, decoding)?;
            return Ok((claims, key));
        }
        let validation = self.validations.iter().find(|(known, _)| known == algorithm);
        let (_, validation) = validation.ok_or(TokenError::WrongAlgorithm)?;
        let decoded = jsonwebtoken::decode::<C>(token, decoding, validation).map_err(|error| refusal(error.kind()))?;
        strict_json::decode_part(parts.claims)?;
        Ok((decoded.claims, key))
    }

    /// The same for a header with the newer name of `EdDSA` on Ed25519 (RFC 9864, section 2.2), which other issuers write.
    /// auth-service itself does not.
    fn verify_fully_specified<C: TimedClaims>(
        &self,
        token: &str,
        claims: &str,
        key: &DecodingKey,
    ) -> Result<C, TokenError> {
        if let TokenType::Is(_) = self.expected.token_type {
            return Err(TokenError::WrongAlgorithm);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let verified = jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, Algorithm::EdDSA);
        if !verified.map_err(|error| refusal(error.kind()))? {
            return Err(TokenError::BadSignature);
        }
        let bytes = strict_json::decode_part(claims)?;
        let registered: Registered = serde_json::from_slice(&bytes).map_err(|_| TokenError::InvalidClaims)?;
        if registered.iss != self.expected.issuer {
            return Err(TokenError::WrongIssuer);
        }
        if !registered.aud.iter().any(|audience| self.expected.audiences.contains(audience)) {
            return Err(TokenError::WrongAudience);
        }
        serde_json::from_slice(&bytes).map_err(|_| TokenError::InvalidClaims)
    }
}

/// Whom a token is from and for.
#[derive(Deserialize)]
struct Registered {
    iss: String,
    #[serde(deserialize_with = "one_or_many")]
    aud: Vec<String>,
}

/// `aud` is a list, or its only entry (RFC 7519, section 4.1.3).
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

/// Whether a token with these times holds at `now`.
pub(super) fn check_times(times: RegisteredTimes, now: Timestamp) -> Result<(), TokenError> {
    if Timestamp::from_seconds(times.exp) + LEEWAY <= now {
        return Err(TokenError::Expired);
    }
    let latest_start = now + LEEWAY;
    if [Some(times.iat), times.nbf].into_iter().flatten().any(|at| Timestamp::from_seconds(at) > latest_start) {
        return Err(TokenError::NotYetValid);
    }
    Ok(())
}

/// Every switch is set by hand: the defaults forgive a missing issuer and a minute of lateness.
fn validation(expected: &Expected, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = 0;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_issuer(&[&expected.issuer]);
    validation.validate_aud = !expected.audiences.is_empty();
    if validation.validate_aud {
        validation.set_audience(&expected.audiences);
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
