//! The header of a token nobody has verified yet: enough to find the key, and reasons to stop.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

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
#[expect(clippy::struct_excessive_bools, reason = "each says that a parameter is there")]
struct Raw {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    // Parameters that would change what is verified or with what.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
    #[serde(default, deserialize_with = "present")]
    cty: bool,
    #[serde(default, deserialize_with = "present")]
    enc: bool,
    #[serde(default, deserialize_with = "present")]
    jku: bool,
    #[serde(default, deserialize_with = "present")]
    jwk: bool,
    #[serde(default, deserialize_with = "present")]
    x5u: bool,
    #[serde(default, deserialize_with = "present")]
    x5c: bool,
}

/// True for a member that is there, whatever its value, also `null`.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Raw {
    fn asks_for_other_rules(&self) -> bool {
        let Self { crit, b64, zip, cty, enc, jku, jwk, x5u, x5c, .. } = *self;
        [crit, b64, zip, cty, enc, jku, jwk, x5u, x5c].contains(&true)
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
