//! Encrypted access tokens (RFC 7516): nested, so signed first and then encrypted with `dir` and `A256GCM`.
//!
//! A gateway's log, a browser's history and a proxy on the way see nothing of the claims. The signature inside decides
//! whether a token is believed, as ever: whoever has the key of the encryption can read tokens and not mint them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use crate::{
    rng::Rng,
    secret::{Rolling, name_of},
    verifier::{TokenError, header_parameters},
};

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const ALGORITHM: &str = "dir";
const ENCRYPTION: &str = "A256GCM";
const CONTENT_TYPE: &str = "JWT";

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {KEY_BYTES} bytes in base64url without padding")]
pub struct InvalidJweKey;

/// A key of `A256GCM`. Prints its name only.
#[derive(Clone)]
pub struct JweKey {
    kid: String,
    key: Arc<LessSafeKey>,
    /// The header of the first token that this key has opened. It is the same in all of an issuer's, and not read again.
    header: Arc<OnceLock<Box<str>>>,
}

impl JweKey {
    /// Reads 32 bytes of base64url (RFC 4648, section 5) without padding.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidJweKey> {
        let decoded = URL_SAFE_NO_PAD.decode(text.expose_secret()).map_err(|_| InvalidJweKey)?;
        let bytes = Zeroizing::new(decoded);
        if bytes.len() != KEY_BYTES {
            return Err(InvalidJweKey);
        }
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| InvalidJweKey)?;
        Ok(Self {
            kid: name_of(&bytes, b"latchkey jwe kid"),
            key: Arc::new(LessSafeKey::new(key)),
            header: Arc::default(),
        })
    }

    /// The name of the key in a token's outer header: 16 characters of base64url(HMAC-SHA256(key, "latchkey jwe kid")).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Encrypts a signed token. `None` when it is longer than the cipher takes, which no token is.
    ///
    /// Each token takes 96 random bits as its nonce, so a key is good for 2³² tokens (NIST SP 800-38D, section 8.3).
    #[must_use]
    pub fn encrypt(&self, signed: &str, rng: &dyn Rng) -> Option<String> {
        let header = Header { alg: ALGORITHM, enc: ENCRYPTION, cty: CONTENT_TYPE, kid: &self.kid };
        let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).ok()?);
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut text = signed.as_bytes().to_vec();
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header.as_bytes()), &mut text)
            .ok()?;
        let [nonce, text, tag] = [&nonce[..], &text, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
        Some(format!("{header}..{nonce}.{text}.{tag}"))
    }
}

impl fmt::Debug for JweKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JweKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The keys during a rolling change. All decrypt; only `current` encrypts.
pub type JweKeys = Rolling<JweKey>;

impl JweKeys {
    fn find(&self, kid: &str) -> Option<&JweKey> {
        self.iter().find(|key| key.kid == kid)
    }

    /// The key that the header `part` names, if it says what it must.
    fn of_header(&self, part: &str) -> Result<&JweKey, TokenError> {
        let is_known = |key: &&JweKey| key.header.get().is_some_and(|known| **known == *part);
        match self.iter().find(is_known) {
            Some(key) => Ok(key),
            None => self.find(&read_header(part)?).ok_or(TokenError::UnknownKey),
        }
    }

    /// The signed token in an encrypted one. It is not verified by this.
    pub(crate) fn decrypt(&self, token: &str) -> Result<String, TokenError> {
        let mut parts = token.split('.');
        let mut part = || parts.next().ok_or(TokenError::Malformed);
        let [protected, encrypted_key, nonce, text, tag] = [part()?, part()?, part()?, part()?, part()?];
        // With `dir` there is no encrypted key: its part is empty (RFC 7518, section 4.5).
        if !encrypted_key.is_empty() || parts.next().is_some() {
            return Err(TokenError::Malformed);
        }
        let key = self.of_header(protected)?;
        let mut bytes = Vec::with_capacity(text.len() + tag.len());
        let nonce = decode(nonce, &mut bytes)?.try_into().map_err(|_| TokenError::Malformed)?;
        bytes.clear();
        decode(text, &mut bytes)?;
        if decode(tag, &mut bytes)?.len() != TAG_BYTES {
            return Err(TokenError::Malformed);
        }
        let opened = key
            .key
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(protected.as_bytes()), &mut bytes)
            .map_err(|_| TokenError::Undecryptable)?
            .len();
        key.header.get_or_init(|| protected.into());
        bytes.truncate(opened);
        String::from_utf8(bytes).map_err(|_| TokenError::Malformed)
    }
}

/// Whether `token` has the parts of a JWE, and not of a JWS.
pub(crate) fn is_encrypted(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 4
}

/// Appends what `part` encodes to `bytes`, and answers it.
fn decode<'b>(part: &str, bytes: &'b mut Vec<u8>) -> Result<&'b [u8], TokenError> {
    let start = bytes.len();
    URL_SAFE_NO_PAD.decode_vec(part, bytes).map_err(|_| TokenError::Malformed)?;
    Ok(&bytes[start..])
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    enc: &'a str,
    cty: &'a str,
    kid: &'a str,
}

#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    enc: String,
    cty: Option<String>,
    kid: Option<String>,
}

/// The `kid` of a header that says what it must.
fn read_header(part: &str) -> Result<String, TokenError> {
    let RawHeader { alg, enc, cty, kid } = header_parameters(part)?;
    if cty.as_deref() != Some(CONTENT_TYPE) {
        return Err(TokenError::WrongType);
    }
    if alg != ALGORITHM || enc != ENCRYPTION {
        return Err(TokenError::WrongAlgorithm);
    }
    kid.ok_or(TokenError::UnknownKey)
}

/// Whether access tokens are encrypted: `JWE`.
#[derive(Debug, Clone, Default)]
pub enum Encryption {
    /// An encrypted token is refused.
    #[default]
    Off,
    /// Both kinds are read; auth-service issues signed ones.
    Accept(JweKeys),
    /// Only encrypted ones are read; auth-service issues them.
    Require(JweKeys),
}

impl Encryption {
    /// What a token may be where also those that were signed before the change must be read.
    #[must_use]
    pub fn lenient(self) -> Self {
        match self {
            Self::Require(keys) => Self::Accept(keys),
            other => other,
        }
    }

    /// The key that new tokens are encrypted with, where they are.
    #[must_use]
    pub fn issuing_key(&self) -> Option<&JweKey> {
        match self {
            Self::Require(keys) => Some(&keys.current),
            Self::Off | Self::Accept(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_thirty_two_bytes_of_base64url() {
        let is_key = |text: &str| JweKey::parse(&SecretString::from(text)).is_ok();
        assert!(is_key(&URL_SAFE_NO_PAD.encode([251; 32])));
        for wrong in [URL_SAFE_NO_PAD.encode([0; 31]), URL_SAFE_NO_PAD.encode([0; 33]), "-".repeat(43), String::new()] {
            assert!(!is_key(&wrong), "{wrong}");
        }
        assert!(!is_key(&format!("{}=", URL_SAFE_NO_PAD.encode([251; 32]))), "padding");
    }

    #[test]
    fn a_key_prints_its_name_only() {
        let key = JweKey::parse(&URL_SAFE_NO_PAD.encode([251; 32]).into()).unwrap();
        assert_eq!(format!("{key:?}"), format!("JweKey {{ kid: {:?}, .. }}", key.kid()));
    }
}
