//! Signatures, checked with what a key says alone: a key schedule, or a public key that has been parsed.

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
        VerificationAlgorithm,
    },
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};

use super::TokenError;

/// A key that is ready to check signatures of one algorithm.
pub(super) enum Checker {
    /// HS256.
    Shared(hmac::Key),
    /// EdDSA on Ed25519, ES256 or RS256.
    Public(ParsedPublicKey),
    /// Nothing is checked with it, and each token is refused for this.
    Useless(TokenError),
}

impl Checker {
    /// What is computed from the key once. An algorithm that is not used here, or is not the key's, makes it useless, and so
    /// do numbers that are no key.
    pub fn new(algorithm: Algorithm, key: &DecodingKey) -> Self {
        let (family, public): (_, &'static dyn VerificationAlgorithm) = match algorithm {
            Algorithm::HS256 => return Self::shared(key),
            Algorithm::EdDSA => (AlgorithmFamily::Ed, &ED25519),
            Algorithm::ES256 => (AlgorithmFamily::Ec, &ECDSA_P256_SHA256_FIXED),
            Algorithm::RS256 => (AlgorithmFamily::Rsa, &RSA_PKCS1_2048_8192_SHA256),
            _ => return Self::Useless(TokenError::WrongAlgorithm),
        };
        if key.family() != family {
            return Self::Useless(TokenError::Malformed);
        }
        let parsed = match key.kind() {
            DecodingKeyKind::SecretOrDer(bytes) => ParsedPublicKey::new(public, bytes),
            // How long the modulus may be is checked with each signature.
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
        };
        parsed.map_or(Self::Useless(TokenError::BadSignature), Self::Public)
    }

    fn shared(key: &DecodingKey) -> Self {
        match (key.family(), key.kind()) {
            (AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
                Self::Shared(hmac::Key::new(hmac::HMAC_SHA256, secret))
            }
            _ => Self::Useless(TokenError::Malformed),
        }
    }

    /// Whether `signature` is one of `message` by this key.
    pub fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        let checked = match self {
            Self::Shared(key) => hmac::verify(key, message, signature),
            Self::Public(key) => key.verify_sig(message, signature),
            Self::Useless(error) => return Err(*error),
        };
        checked.map_err(|_| TokenError::BadSignature)
    }
}
