//! Signed tokens: header, key, signature, claims, time, in this order.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    KeySet, Keys, LEEWAY, MAX_TOKEN_BYTES, TokenError,
    header::{self, UnverifiedHeader},
    keys::KeyInForce,
    registered,
};
use crate::{
    claims::{RegisteredTimes, TimedClaims},
    clock::{Clock, Timestamp},
};

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
    keys: Keys,
    clock: Arc<dyn Clock>,
}

impl JwsVerifier {
    /// A verifier that accepts tokens signed with any of `keys`.
    #[must_use]
    pub fn new(expected: &Expected, keys: Keys, clock: Arc<dyn Clock>) -> Self {
        Self { expected: expected.clone(), keys, clock }
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
        let keys = self.keys.current();
        let header = keys.known_header(parts.header);
        let header = header.map_or_else(|| header::read(parts.header).map(Arc::new), Ok)?;
        let key = self.key(&keys, &header)?;

        // Both parts are decoded into one buffer, one after the other.
        let mut bytes = Vec::with_capacity(parts.claims.len().max(parts.signature.len()));
        decode(parts.signature, &mut bytes)?;
        key.checker().check(parts.message.as_bytes(), &bytes)?;
        key.keep_header(parts.header, &header);

        bytes.clear();
        decode(parts.claims, &mut bytes)?;
        let text = str::from_utf8(&bytes).map_err(|_| TokenError::InvalidClaims)?;
        let claims = serde_json::from_str(text).map_err(|_| TokenError::InvalidClaims)?;
        registered::check(text, &self.expected)?;
        Ok((claims, key))
    }

    /// The key that `header` names, if its tokens are of this kind and of the key's algorithm.
    fn key(&self, keys: &KeySet, header: &UnverifiedHeader) -> Result<Arc<KeyInForce>, TokenError> {
        let token_type = self.expected.token_type;
        if !token_type.accepts(header.token_type.as_deref()) {
            return Err(TokenError::WrongType);
        }
        let key = match (&header.kid, token_type) {
            (Some(kid), _) => keys.find(kid),
            (None, TokenType::Is(_)) => None,
            (None, TokenType::OneOfOrNone(_)) => keys.only(),
        };
        let key = key.ok_or(TokenError::UnknownKey)?;
        // auth-service does not write the newer name of `EdDSA` on Ed25519 (RFC 9864, section 2.2). Other issuers do.
        let is_foreign = header.is_fully_specified && matches!(token_type, TokenType::Is(_));
        if header.algorithm != key.key().algorithm || is_foreign { Err(TokenError::WrongAlgorithm) } else { Ok(key) }
    }
}

fn decode(part: &str, bytes: &mut Vec<u8>) -> Result<(), TokenError> {
    URL_SAFE_NO_PAD.decode_vec(part, bytes).map_err(|_| TokenError::Malformed)
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
