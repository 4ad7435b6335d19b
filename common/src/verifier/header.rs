//! The header of a token nobody has verified yet: enough to find the key, and reasons to stop.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{TokenError, strict_json};

/// A token cut at its dots.
pub(super) struct Parts<'token> {
    pub header: &'token str,
    pub claims: &'token str,
    pub signature: &'token str,
    /// Header and claims: what is signed.
    pub message: &'token str,
}

/// The parts of a JWS in compact serialization. A JWE has five parts and is malformed here.
pub(super) fn split(token: &str) -> Result<Parts<'_>, TokenError> {
    let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(TokenError::Malformed)?;
    let is_whole = !header.is_empty() && !claims.is_empty() && !signature.is_empty() && !claims.contains('.');
    if is_whole { Ok(Parts { header, claims, signature, message }) } else { Err(TokenError::Malformed) }
}

/// What the header says. Unverified: it names a key and a type, and decides nothing.
pub(super) struct UnverifiedHeader {
    pub algorithm: Algorithm,
    /// Whether the algorithm has its name of RFC 9864, which `jsonwebtoken` does not know.
    pub is_fully_specified: bool,
    pub token_type: Option<String>,
    pub kid: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    // Those of an encrypted token.
    #[serde(default, deserialize_with = "present")]
    cty: bool,
    #[serde(default, deserialize_with = "present")]
    enc: bool,
    // Texts, where they are there (RFC 7515, section 4.1; RFC 8555, section 6.2). Nothing follows from them.
    #[serde(rename = "x5t")]
    _x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    _x5t_s256: Option<String>,
    #[serde(rename = "url")]
    _url: Option<String>,
    #[serde(rename = "nonce")]
    _nonce: Option<String>,
}

/// Parameters that would change what is verified or decrypted, or with what.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says that a parameter is there")]
struct OtherRules {
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
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
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The parameters of a header, unless it asks for other rules.
pub(crate) fn parameters<H: DeserializeOwned>(part: &str) -> Result<H, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    let text = str::from_utf8(&bytes).map_err(|_| TokenError::Malformed)?;
    strict_json::check(text)?;
    let header = serde_json::from_str(text).map_err(|_| TokenError::Malformed)?;
    let others: OtherRules = serde_json::from_str(text).map_err(|_| TokenError::Malformed)?;
    let OtherRules { crit, b64, zip, jku, jwk, x5u, x5c } = others;
    if [crit, b64, zip, jku, jwk, x5u, x5c].contains(&true) { Err(TokenError::WrongType) } else { Ok(header) }
}

pub(super) fn read(part: &str) -> Result<UnverifiedHeader, TokenError> {
    let raw: Raw = parameters(part)?;
    if raw.cty || raw.enc {
        return Err(TokenError::WrongType);
    }
    let is_fully_specified = raw.alg == "Ed25519";
    let algorithm = if is_fully_specified { Ok(Algorithm::EdDSA) } else { raw.alg.parse() };
    Ok(UnverifiedHeader {
        algorithm: algorithm.map_err(|_| TokenError::WrongAlgorithm)?,
        is_fully_specified,
        token_type: raw.typ,
        kid: raw.kid,
    })
}
