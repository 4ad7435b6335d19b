//! Signing: a JWS in compact serialization (RFC 7515, section 7.1), by a key that is kept ready.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::secret::SigningSecret;
use jsonwebtoken::{Algorithm, Header};
use secrecy::SecretString;
use serde::Serialize;

use super::signing_pair::SigningPair;

/// The claims could not be written or signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SigningFailed;

/// What signs.
enum JwsKey {
    /// HS256.
    Secret(Box<hmac::Key>),
    /// A public-key algorithm.
    Pair(SigningPair),
}

/// Signs tokens of one type with one key.
pub struct JwsSigner {
    /// base64url, as every token begins.
    header: String,
    key: JwsKey,
}

impl JwsSigner {
    /// Signs tokens of type `token_type` with `secret` (HS256).
    pub fn with_secret(token_type: &str, secret: &SigningSecret) -> Result<Self, SigningFailed> {
        let key = JwsKey::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())));
        Self::new(token_type, Algorithm::HS256, secret.kid(), key)
    }

    /// Signs tokens of type `token_type` with `pair`, whose name is `kid`.
    pub fn with_pair(token_type: &str, kid: String, pair: SigningPair) -> Result<Self, SigningFailed> {
        let algorithm = match pair {
            SigningPair::EdDsa(_) => Algorithm::EdDSA,
            SigningPair::Es256(_) => Algorithm::ES256,
            SigningPair::Rs256(_) => Algorithm::RS256,
        };
        Self::new(token_type, algorithm, kid, JwsKey::Pair(pair))
    }

    fn new(token_type: &str, algorithm: Algorithm, kid: String, key: JwsKey) -> Result<Self, SigningFailed> {
        let mut header = Header::new(algorithm);
        header.typ = Some(token_type.to_owned());
        header.kid = Some(kid);
        Ok(Self { header: part(&header)?, key })
    }

    /// The token that says `claims`.
    pub fn sign(&self, claims: &impl Serialize) -> Result<SecretString, SigningFailed> {
        let mut token = format!("{}.{}", self.header, part(claims)?);
        let signature = match &self.key {
            JwsKey::Secret(key) => hmac::sign(key, token.as_bytes()).as_ref().to_vec(),
            JwsKey::Pair(pair) => pair.sign(token.as_bytes()).map_err(|_| SigningFailed)?,
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token.into())
    }
}

fn part(value: &impl Serialize) -> Result<String, SigningFailed> {
    serde_json::to_vec(value).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| SigningFailed)
}
