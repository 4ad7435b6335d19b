//! Secrets that sign with HMAC-SHA256: the one in use, the next and the previous.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// The shortest secret that is accepted, in bytes: RFC 7518, section 3.2, asks for the size of the hash.
pub const MIN_SECRET_BYTES: usize = 32;

/// The secret is shorter than [`MIN_SECRET_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at least {MIN_SECRET_BYTES} bytes")]
pub struct SecretTooShort;

/// A secret of sufficient length. Its key is the UTF-8 bytes of the text. Prints as `[redacted]`.
#[derive(Debug, Clone)]
pub struct SigningSecret(SecretString);

impl SigningSecret {
    /// Takes a secret of at least [`MIN_SECRET_BYTES`].
    pub fn new(secret: SecretString) -> Result<Self, SecretTooShort> {
        if secret.expose_secret().len() < MIN_SECRET_BYTES {
            return Err(SecretTooShort);
        }
        Ok(Self(secret))
    }

    /// The bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// The name of the key in a token's header: 16 characters of base64url(HMAC-SHA256(secret, "latchkey kid")).
    #[must_use]
    pub fn kid(&self) -> String {
        kid_of(self.as_bytes())
    }

    /// HMAC-SHA256 of `label` under this secret: a key for another purpose.
    #[must_use]
    pub fn derive(&self, label: &[u8]) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(code(self.as_bytes(), label).as_ref());
        key
    }
}

/// The name of any secret key: see [`SigningSecret::kid`].
#[must_use]
pub fn kid_of(secret: &[u8]) -> String {
    name_of(secret, b"latchkey kid")
}

/// A name of 16 characters that tells nothing of the secret. Another `label` gives another name.
pub(crate) fn name_of(secret: &[u8], label: &[u8]) -> String {
    let mut name = URL_SAFE_NO_PAD.encode(code(secret, label));
    name.truncate(16);
    name
}

fn code(secret: &[u8], label: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), label)
}

impl PartialEq for SigningSecret {
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.as_bytes(), other.as_bytes()).is_ok()
    }
}

/// The keys of one purpose during a rolling change. Tokens of all of them are read; only `current` makes new ones.
#[derive(Debug, Clone)]
pub struct Rolling<K> {
    /// Makes tokens and reads them.
    pub current: K,
    /// Reads already, because another replica may make tokens with it before this one does.
    pub next: Option<K>,
    /// Reads still, because tokens made with it may be alive.
    pub previous: Option<K>,
}

/// The secrets of one purpose during a rolling change. All verify; only `current` signs.
pub type SecretSet = Rolling<SigningSecret>;

impl<K> Rolling<K> {
    /// A set of one.
    #[must_use]
    pub fn only(current: K) -> Self {
        Self { current, next: None, previous: None }
    }

    /// What follows from each, in the same place.
    #[must_use]
    pub fn map<L>(&self, each: impl Fn(&K) -> L) -> Rolling<L> {
        Rolling {
            current: each(&self.current),
            next: self.next.as_ref().map(&each),
            previous: self.previous.as_ref().map(&each),
        }
    }

    /// Every key that reads, the one that makes tokens first.
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        [Some(&self.current), self.next.as_ref(), self.previous.as_ref()].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Result<SigningSecret, SecretTooShort> {
        SigningSecret::new(text.to_owned().into())
    }

    #[test]
    fn thirty_one_bytes_are_too_few() {
        assert!(secret(&"x".repeat(31)).is_err());
        assert!(secret(&"x".repeat(32)).is_ok());
    }

    #[test]
    fn a_secret_prints_as_redacted() {
        let printed = format!("{:?}", secret("correct horse battery staple and then some").unwrap());
        assert!(printed.contains("REDACTED") && !printed.contains("horse"), "{printed}");
    }

    #[test]
    fn the_kid_has_sixteen_characters_and_depends_on_the_secret() {
        let (one, two) = (secret(&"1".repeat(32)).unwrap(), secret(&"2".repeat(32)).unwrap());
        assert_eq!(one.kid().len(), 16);
        assert_ne!(one.kid(), two.kid());
    }
}
