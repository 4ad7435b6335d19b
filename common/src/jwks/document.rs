//! What a JWKS document says (RFC 7517), read with suspicion: it decides whose tokens are believed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{
    jwk::{Ed25519Curve, KeyNumbers, P256Curve},
    verifier::VerifyingKey,
};

/// More keys than this are refused.
pub const MAX_KEYS: usize = 32;

/// The longest `kid` that is accepted, in bytes.
const MAX_KID_BYTES: usize = 128;

/// NIST SP 800-131A asks for this much.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why a document is not believed. None of it is used then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not a JSON object with a list `keys`.
    #[error("it is no JWK set")]
    Malformed,
    /// It has more than [`MAX_KEYS`].
    #[error("it has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// Two keys have one name.
    #[error("two of its keys have the same kid")]
    RepeatedKid,
    /// A private or a symmetric key is in it: whoever reads it can sign.
    #[error("a secret is published in it")]
    Secret,
    /// An RSA key has fewer than 2048 bits or an exponent that nobody uses, or an elliptic-curve key is not a point of
    /// its size.
    #[error("one of its keys is weak")]
    Weak,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    // Members of private and symmetric keys (RFC 7518, sections 6.2.2, 6.3.2, 6.4.1).
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

impl Member {
    fn is_secret(&self) -> bool {
        let private = [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth, &self.k];
        self.kty == "oct" || private.iter().any(|it| it.is_some())
    }

    /// Whether it is made to verify signatures.
    fn verifies(&self) -> bool {
        let for_signatures = self.r#use.as_deref() == Some("sig");
        let verifies = self.key_ops.as_ref().is_none_or(|ops| ops.iter().all(|op| op == "verify"));
        for_signatures && verifies
    }
}

/// The keys of `document` whose algorithm is among `algorithms`. Keys of other kinds or for other purposes are passed
/// over, as RFC 7517, section 5, asks; what could only be a mistake or an attack refuses the whole document.
pub(super) fn read(document: &[u8], algorithms: &[Algorithm]) -> Result<Vec<VerifyingKey>, DocumentError> {
    let Document { keys } = serde_json::from_slice(document).map_err(|_| DocumentError::Malformed)?;
    if keys.len() > MAX_KEYS {
        return Err(DocumentError::TooManyKeys);
    }
    if keys.iter().any(Member::is_secret) {
        return Err(DocumentError::Secret);
    }
    let mut read: Vec<VerifyingKey> = Vec::with_capacity(keys.len());
    for member in keys {
        let Some(kid) = member.kid.clone().filter(|kid| (1..=MAX_KID_BYTES).contains(&kid.len())) else { continue };
        // A name that is given twice is wrong, whatever the two keys are for.
        if read.iter().any(|key| key.kid == kid) {
            return Err(DocumentError::RepeatedKid);
        }
        if !member.verifies() {
            continue;
        }
        let Some(numbers) = numbers(&member)? else { continue };
        let algorithm = numbers.algorithm();
        if algorithms.contains(&algorithm) {
            let decoding = numbers.decoding_key().ok_or(DocumentError::Weak)?;
            read.push(VerifyingKey { kid, algorithm, decoding });
        }
    }
    Ok(read)
}

/// The key's numbers, if `kty`, `crv` and `alg` belong together and are known.
fn numbers(member: &Member) -> Result<Option<KeyNumbers>, DocumentError> {
    let Member { kty, alg, crv, x, y, n, e, .. } = member;
    let numbers = match (kty.as_str(), alg.as_deref(), crv.as_deref()) {
        ("OKP", Some("EdDSA"), Some("Ed25519")) => {
            KeyNumbers::Ed25519 { crv: Ed25519Curve::Ed25519, x: sized(x.as_ref(), 32..=32)? }
        }
        ("EC", Some("ES256"), Some("P-256")) => {
            KeyNumbers::P256 { crv: P256Curve::P256, x: sized(x.as_ref(), 32..=32)?, y: sized(y.as_ref(), 32..=32)? }
        }
        ("RSA", Some("RS256"), None) => {
            let (n, e) = (sized(n.as_ref(), RSA_BYTES)?, sized(e.as_ref(), 3..=4)?);
            KeyNumbers::Rsa { n, e }
        }
        _ => return Ok(None),
    };
    Ok(Some(numbers))
}

/// A number in canonical base64url without leading zeros beyond its size.
fn sized(text: Option<&String>, bytes: std::ops::RangeInclusive<usize>) -> Result<String, DocumentError> {
    let text = text.ok_or(DocumentError::Weak)?;
    let number = URL_SAFE_NO_PAD.decode(text).map_err(|_| DocumentError::Weak)?;
    // A leading zero would make a short modulus look long.
    let padded = bytes.start() != bytes.end() && number.first() == Some(&0);
    if padded || !bytes.contains(&number.len()) { Err(DocumentError::Weak) } else { Ok(text.clone()) }
}
