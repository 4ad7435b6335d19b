//! The key that the private parts of signing keys are encrypted under in the store: AES-256-GCM.

use std::{fmt, str::FromStr};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::secret::kid_of;
use zeroize::Zeroizing;

use crate::{
    domain::signing_key::{KeyAlgorithm, KeyId},
    ports::{Rng, SealedKey},
};

const KEY_BYTES: usize = 32;

/// The text is not 32 bytes in base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 random bytes in base64url, 43 characters: make one with `auth-service key new-master`")]
pub struct InvalidMasterKey;

/// One master key. Prints its name only.
pub struct MasterKey {
    kid: String,
    key: LessSafeKey,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.kid)
    }
}

impl MasterKey {
    /// A new one, in the form that the setting has.
    #[must_use]
    pub fn new_text(rng: &dyn Rng) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rng.fill(&mut *bytes);
        Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))
    }
}

impl FromStr for MasterKey {
    type Err = InvalidMasterKey;

    fn from_str(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidMasterKey)?);
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| InvalidMasterKey)?;
        Ok(Self { kid: kid_of(&bytes), key: LessSafeKey::new(key) })
    }
}

/// Why a sealed key was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed under a master key that is not known here.
    #[error(
        "AUTH_MASTER_KEY is not the one that signing key {kid} is encrypted under (the right one's name is {master}): \
         set it, or add it as AUTH_MASTER_KEY_PREVIOUS"
    )]
    WrongMasterKey {
        /// The signing key.
        kid: KeyId,
        /// The name of the master key that it needs.
        master: String,
    },
    /// The bytes have been changed, or belong to another key.
    #[error("the store is inconsistent: signing_keys.private_key of {0} has been tampered with")]
    Tampered(KeyId),
}

/// The master keys during a change. All open; only the current one seals.
#[derive(Debug)]
pub struct MasterKeys {
    current: MasterKey,
    others: Vec<MasterKey>,
}

impl MasterKeys {
    /// Seals under `current`, opens with any.
    #[must_use]
    pub fn new(current: MasterKey, others: impl IntoIterator<Item = MasterKey>) -> Self {
        Self { current, others: others.into_iter().collect() }
    }

    /// Whether `sealed` is under the current one.
    #[must_use]
    pub fn is_current(&self, sealed: &SealedKey) -> bool {
        sealed.master == self.current.kid
    }

    /// Encrypts a private key. Its name and algorithm are bound to it: in another row it cannot be opened.
    #[must_use]
    pub fn seal(&self, kid: &KeyId, algorithm: KeyAlgorithm, private: &[u8], rng: &dyn Rng) -> Option<SealedKey> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut bytes = private.to_vec();
        let aad = Aad::from(bound(kid, algorithm));
        self.current.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes).ok()?;
        bytes.splice(0..0, nonce);
        Some(SealedKey { master: self.current.kid.clone(), bytes })
    }

    /// Decrypts a private key.
    pub fn open(
        &self,
        kid: &KeyId,
        algorithm: KeyAlgorithm,
        sealed: &SealedKey,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let tampered = || OpenError::Tampered(kid.clone());
        let master = [&self.current].into_iter().chain(&self.others).find(|master| master.kid == sealed.master);
        let master =
            master.ok_or_else(|| OpenError::WrongMasterKey { kid: kid.clone(), master: sealed.master.clone() })?;
        let (nonce, bytes) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or_else(tampered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| tampered())?;
        let mut bytes = Zeroizing::new(bytes.to_vec());
        let aad = Aad::from(bound(kid, algorithm));
        let length = master.key.open_in_place(nonce, aad, &mut bytes).map_err(|_| tampered())?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn bound(kid: &KeyId, algorithm: KeyAlgorithm) -> Vec<u8> {
    format!("latchkey signing key\0{kid}\0{algorithm}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::SystemRng;

    fn master() -> MasterKey {
        MasterKey::new_text(&SystemRng).parse().unwrap()
    }

    fn kid() -> KeyId {
        KeyId("one".to_owned())
    }

    #[test]
    fn a_sealed_key_opens_in_its_own_row_only() {
        let masters = MasterKeys::new(master(), []);
        let sealed = masters.seal(&kid(), KeyAlgorithm::EdDsa, b"private", &SystemRng).unwrap();
        assert_eq!(masters.open(&kid(), KeyAlgorithm::EdDsa, &sealed).unwrap().as_slice(), b"private");
        let elsewhere = KeyId("two".to_owned());
        assert!(masters.open(&elsewhere, KeyAlgorithm::EdDsa, &sealed).is_err());
        assert!(masters.open(&kid(), KeyAlgorithm::Es256, &sealed).is_err());
        for position in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[position] ^= 1;
            assert_eq!(masters.open(&kid(), KeyAlgorithm::EdDsa, &changed), Err(OpenError::Tampered(kid())));
        }
        for length in 0..sealed.bytes.len() {
            let cut = SealedKey { bytes: sealed.bytes[..length].to_vec(), ..sealed.clone() };
            assert_eq!(masters.open(&kid(), KeyAlgorithm::EdDsa, &cut), Err(OpenError::Tampered(kid())));
        }
    }

    #[test]
    fn the_previous_master_key_opens_and_the_wrong_one_is_named() {
        let old = MasterKey::new_text(&SystemRng);
        let sealed = MasterKeys::new(old.parse().unwrap(), [])
            .seal(&kid(), KeyAlgorithm::Rs256, b"private", &SystemRng)
            .unwrap();
        let rolling = MasterKeys::new(master(), [old.parse().unwrap()]);
        assert!(rolling.open(&kid(), KeyAlgorithm::Rs256, &sealed).is_ok());
        assert!(!rolling.is_current(&sealed));
        let wrong = MasterKeys::new(master(), []).open(&kid(), KeyAlgorithm::Rs256, &sealed).unwrap_err().to_string();
        assert!(wrong.starts_with("AUTH_MASTER_KEY is not the one"), "{wrong}");
        assert!(wrong.contains(&sealed.master), "{wrong}");
    }

    #[test]
    fn a_master_key_is_32_bytes_of_base64url_and_prints_its_name_only() {
        let text = MasterKey::new_text(&SystemRng);
        let key: MasterKey = text.parse().unwrap();
        assert!(!format!("{key:?}").contains(&*text));
        for wrong in ["", "short", &text[1..], &format!("{}=", *text), "replace-me-with-32-or-more-random-bytes"] {
            assert_eq!(wrong.parse::<MasterKey>().unwrap_err(), InvalidMasterKey);
        }
    }
}
