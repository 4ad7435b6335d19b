//! A key pair that signs access tokens. It is read once and kept ready: checking an RSA key costs more than using it.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use common::jwk::KeyNumbers;
use zeroize::Zeroizing;

use crate::domain::signing_key::{KeyAlgorithm, KeyId};

/// A key could not be made, read or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key pair cannot be used")]
pub struct KeyPairFailed;

/// A private key with its public part.
pub enum SigningPair {
    /// Ed25519.
    EdDsa(Ed25519KeyPair),
    /// P-256.
    Es256(EcdsaKeyPair),
    /// RSA.
    Rs256(RsaKeyPair),
}

/// A private key as PKCS#8 (RFC 5958).
pub type Pkcs8 = Zeroizing<Vec<u8>>;

impl SigningPair {
    /// A new key. Its chance comes from the library, which lets nobody else make it. RSA takes a tenth of a second.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<(Self, Pkcs8), KeyPairFailed> {
        let pkcs8 = match algorithm {
            KeyAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(|_| KeyPairFailed)?;
                pair.to_pkcs8().map_err(|_| KeyPairFailed)?.as_ref().to_vec()
            }
            KeyAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyPairFailed)?;
                pair.to_pkcs8v1().map_err(|_| KeyPairFailed)?.as_ref().to_vec()
            }
            KeyAlgorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyPairFailed)?;
                pair.as_der().map_err(|_| KeyPairFailed)?.as_ref().to_vec()
            }
        };
        let pkcs8 = Zeroizing::new(pkcs8);
        Ok((Self::from_pkcs8(algorithm, &pkcs8)?, pkcs8))
    }

    /// A key that was made before.
    pub fn from_pkcs8(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Self, KeyPairFailed> {
        match algorithm {
            KeyAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::EdDsa),
            KeyAlgorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Self::Es256),
            KeyAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(pkcs8).map(Self::Rs256),
        }
        .map_err(|_| KeyPairFailed)
    }

    /// The signature over `message` as RFC 7515 wants it.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyPairFailed> {
        match self {
            Self::EdDsa(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Es256(pair) => {
                pair.sign(&SystemRandom::new(), message).map(|it| it.as_ref().to_vec()).map_err(|_| KeyPairFailed)
            }
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| KeyPairFailed)?;
                Ok(signature)
            }
        }
    }

    /// The public part.
    pub fn public(&self) -> Result<KeyNumbers, KeyPairFailed> {
        match self {
            Self::EdDsa(pair) => Ok(KeyNumbers::ed25519(pair.public_key().as_ref())),
            Self::Es256(pair) => {
                // 4, then both coordinates (SEC 1, section 2.3.3).
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..).and_then(|it| it.split_at_checked(32)).ok_or(KeyPairFailed)?;
                Ok(KeyNumbers::p256(x, y))
            }
            Self::Rs256(pair) => {
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                Ok(KeyNumbers::rsa(n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero()))
            }
        }
    }

    /// The name that follows from the public part.
    pub fn kid(&self) -> Result<KeyId, KeyPairFailed> {
        Ok(KeyId(self.public()?.thumbprint()))
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn what_a_pair_signs_its_public_key_verifies_also_after_storing_it() {
        for algorithm in [KeyAlgorithm::EdDsa, KeyAlgorithm::Es256, KeyAlgorithm::Rs256] {
            let (made, pkcs8) = SigningPair::generate(algorithm).unwrap();
            let read = SigningPair::from_pkcs8(algorithm, &pkcs8).unwrap();
            assert_eq!((read.public(), read.kid()), (made.public(), made.kid()));
            let numbers = read.public().unwrap();
            assert_eq!(format!("{:?}", numbers.algorithm()), algorithm.as_str());
            let signature = URL_SAFE_NO_PAD.encode(made.sign(b"message").unwrap());
            let verifies = |message: &[u8]| {
                let key = numbers.decoding_key().unwrap();
                jsonwebtoken::crypto::verify(&signature, message, &key, numbers.algorithm()).unwrap()
            };
            assert!(verifies(b"message") && !verifies(b"another"), "{algorithm}");
        }
    }

    #[test]
    fn a_pair_of_another_algorithm_is_not_taken() {
        let (_, pkcs8) = SigningPair::generate(KeyAlgorithm::EdDsa).unwrap();
        assert!(SigningPair::from_pkcs8(KeyAlgorithm::Es256, &pkcs8).is_err());
        assert!(SigningPair::from_pkcs8(KeyAlgorithm::Rs256, &pkcs8).is_err());
        assert!(SigningPair::from_pkcs8(KeyAlgorithm::EdDsa, &pkcs8[1..]).is_err());
    }
}
