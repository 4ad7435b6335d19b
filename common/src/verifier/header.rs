//! The header of a token nobody has verified yet: enough to find the key, and reasons to stop.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{TokenError, strict_json};

/// A token cut at its dots.
pub(super) struct Parts<'token> {
    pub header: &'token str,
    pub claims: &'token str,
}

/// The parts of a JWS in compact serialization. A JWE has five parts and is malformed here.
pub(super) fn split(token: &str) -> Result<Parts<'_>, TokenError> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(claims), Some(signature), None)
            if !header.is_empty() && !claims.is_empty() && !signature.is_empty() =>
        {
            Ok(Parts { header, claims })
        }
        _ => Err(TokenError::Malformed),
    }
}

/// What the header says. Unverified: it names a key and a type, and decides nothing.
pub(super) struct UnverifiedHeader {
    pub algorithm: Algorithm,
    pub token_type: String,
    pub kid: String,
}

#[derive(Deserialize)]
struct Raw {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    // Parameters that would change what is verified or with what.
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
    jku: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
}

impl Raw {
    fn asks_for_other_rules(&self) -> bool {
        [&self.crit, &self.b64, &self.zip, &self.jku, &self.jwk, &self.x5u, &self.x5c].iter().any(|it| it.is_some())
    }
}

pub(super) fn read(part: &str) -> Result<UnverifiedHeader, TokenError> {
    strict_json::check_part(part)?;
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    let raw: Raw = serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)?;
    if raw.asks_for_other_rules() {
        return Err(TokenError::WrongType);
    }
    Ok(UnverifiedHeader {
        algorithm: raw.alg.parse().map_err(|_| TokenError::WrongAlgorithm)?,
        token_type: raw.typ.ok_or(TokenError::WrongType)?,
        kid: raw.kid.ok_or(TokenError::UnknownKey)?,
    })
}
