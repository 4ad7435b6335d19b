//! The keys that tokens are verified with, which may change while requests are served.

use std::{
    collections::HashSet,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

use super::{header::UnverifiedHeader, signature::Checker};
use crate::secret::{SecretSet, SigningSecret};

/// A key that verifies tokens of one algorithm, whatever their header says.
#[derive(Clone)]
pub struct VerifyingKey {
    /// Its name in a token's header.
    pub kid: String,
    /// The one algorithm it is used with.
    pub algorithm: Algorithm,
    /// The key itself.
    pub decoding: DecodingKey,
}

impl VerifyingKey {
    /// A shared secret: HS256.
    #[must_use]
    pub fn of_secret(secret: &SigningSecret) -> Self {
        Self { kid: secret.kid(), algorithm: Algorithm::HS256, decoding: DecodingKey::from_secret(secret.as_bytes()) }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.kid == other.kid && self.algorithm == other.algorithm && is_same_key(&self.decoding, &other.decoding)
    }
}

fn is_same_key(one: &DecodingKey, other: &DecodingKey) -> bool {
    use DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
    let is_same = match (one.kind(), other.kind()) {
        (SecretOrDer(one), SecretOrDer(other)) => verify_slices_are_equal(one, other).is_ok(),
        (RsaModulusExponent { n, e }, RsaModulusExponent { n: other_n, e: other_e }) => n == other_n && e == other_e,
        _ => false,
    };
    is_same && one.family() == other.family()
}

/// Two keys of a set have the same name, so that a token would not say which of them it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("two keys have the same kid")]
pub struct RepeatedKid;

/// Keys with different names.
#[derive(Clone, Default)]
pub struct KeySet(Vec<Arc<KeyInForce>>);

impl KeySet {
    /// A set of `keys`.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, RepeatedKid> {
        let keys: Vec<_> = keys.into_iter().map(KeyInForce::new).collect();
        let mut names = HashSet::new();
        if keys.iter().all(|known| names.insert(known.key.kid.as_str())) { Ok(Self(keys)) } else { Err(RepeatedKid) }
    }

    /// The secrets that verify. One that is given twice counts once.
    #[must_use]
    pub fn of_secrets(secrets: &SecretSet) -> Self {
        let mut set = Self::default();
        for key in secrets.iter().map(VerifyingKey::of_secret) {
            if set.find(&key.kid).is_none() {
                set.0.push(KeyInForce::new(key));
            }
        }
        set
    }

    /// Every key.
    pub fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.0.iter().map(|known| &known.key)
    }

    pub(super) fn find(&self, kid: &str) -> Option<Arc<KeyInForce>> {
        self.0.iter().find(|known| known.key.kid == kid).cloned()
    }

    /// What the part `text` of a token says, if it is the header that tokens of one of these keys have.
    pub(super) fn known_header(&self, text: &str) -> Option<Arc<UnverifiedHeader>> {
        let headers = self.0.iter().filter_map(|known| known.header.get());
        headers.into_iter().find(|known| *known.text == *text).map(|known| Arc::clone(&known.parameters))
    }

    /// The key of a set of one.
    pub(super) fn only(&self) -> Option<Arc<KeyInForce>> {
        if let [key] = &self.0[..] { Some(Arc::clone(key)) } else { None }
    }
}

/// A key of a set, and whether it has left it. Whoever keeps what it has verified looks here before believing it again:
/// no verification that was under way while the key left can bring its tokens back.
pub(super) struct KeyInForce {
    key: VerifyingKey,
    checker: Checker,
    header: OnceLock<KnownHeader>,
    retired: AtomicBool,
}

/// A header, and what was read in it. It is the same in all tokens that an issuer signs with one key.
struct KnownHeader {
    text: Box<str>,
    parameters: Arc<UnverifiedHeader>,
}

impl KeyInForce {
    fn new(key: VerifyingKey) -> Arc<Self> {
        let checker = Checker::new(key.algorithm, &key.decoding);
        Arc::new(Self { key, checker, header: OnceLock::new(), retired: AtomicBool::new(false) })
    }

    pub(super) fn key(&self) -> &VerifyingKey {
        &self.key
    }

    pub(super) fn checker(&self) -> &Checker {
        &self.checker
    }

    /// Keeps the header of the first token whose signature by this key was right. What it says is not believed for that: it
    /// is only not read again.
    pub(super) fn keep_header(&self, text: &str, parameters: &Arc<UnverifiedHeader>) {
        self.header.get_or_init(|| KnownHeader { text: text.into(), parameters: Arc::clone(parameters) });
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }
}

/// A handle on the keys in force. Its clones see every change.
#[derive(Clone)]
pub struct Keys(Arc<RwLock<Arc<KeySet>>>);

impl Keys {
    /// These keys, until they are replaced.
    #[must_use]
    pub fn fixed(set: KeySet) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(set))))
    }

    /// From now on these keys and no others. What was verified with a key that leaves is no longer believed; what was
    /// verified with one that stays is.
    pub fn replace(&self, set: KeySet) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let staying = |key: &Arc<KeyInForce>| current.find(&key.key.kid).filter(|known| known.key.is_same(&key.key));
        // A set that left another handle is made of retired keys: each handle has its own.
        let set: Vec<_> =
            set.0.into_iter().map(|key| staying(&key).unwrap_or_else(|| KeyInForce::new(key.key.clone()))).collect();
        for known in &current.0 {
            if !set.iter().any(|key| Arc::ptr_eq(key, known)) {
                known.retired.store(true, Ordering::Release);
            }
        }
        *current = Arc::new(KeySet(set));
    }

    /// The keys in force.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where [`Keys`] come from that are not settings.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// Whether the keys have ever been read. Until then an unknown key may be a good one.
    fn is_loaded(&self) -> bool;

    /// A token names a key that is not known: reads the keys again, unless that was done for the same reason a moment
    /// ago.
    async fn unknown_key(&self);

    /// What was read last, for a file that [`KeySource::restore`] takes after a restart.
    fn document(&self) -> Option<String>;

    /// Takes what was kept, until something newer is read. An error says what is wrong with it; nothing of it is taken
    /// then.
    fn restore(&self, document: &str) -> Result<(), String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(letter: &str) -> SigningSecret {
        SigningSecret::new(letter.repeat(32).into()).unwrap()
    }

    #[test]
    fn a_name_stands_for_one_key() {
        let key = VerifyingKey::of_secret(&secret("a"));
        let same_name = VerifyingKey { kid: key.kid.clone(), ..VerifyingKey::of_secret(&secret("b")) };
        assert_eq!(KeySet::new([key.clone(), same_name]).err(), Some(RepeatedKid));
        let twice = SecretSet { previous: Some(secret("a")), ..SecretSet::only(secret("a")) };
        assert_eq!(KeySet::of_secrets(&twice).iter().count(), 1);
    }

    #[test]
    fn every_handle_sees_a_change() {
        let keys = Keys::fixed(KeySet::default());
        let other = keys.clone();
        keys.replace(KeySet::of_secrets(&SecretSet::only(secret("a"))));
        assert!(other.current().find(&secret("a").kid()).is_some());
    }

    #[test]
    fn only_a_key_that_leaves_is_retired() {
        let set =
            |letters: &[&str]| KeySet::new(letters.iter().map(|it| VerifyingKey::of_secret(&secret(it)))).unwrap();
        let keys = Keys::fixed(set(&["a", "b"]));
        let (a, b) = (keys.current().0[0].clone(), keys.current().0[1].clone());
        keys.replace(set(&["b", "c"]));
        assert!(a.is_retired() && !b.is_retired());
        assert!(Arc::ptr_eq(&b, &keys.current().0[0]));
        let renamed = VerifyingKey { kid: b.key.kid.clone(), ..VerifyingKey::of_secret(&secret("d")) };
        keys.replace(KeySet::new([renamed]).unwrap());
        assert!(b.is_retired(), "another key took its name");
    }

    #[test]
    fn a_set_that_came_back_is_in_force_again() {
        let set = KeySet::of_secrets(&SecretSet::only(secret("a")));
        let keys = Keys::fixed(set.clone());
        keys.replace(KeySet::default());
        keys.replace(set);
        assert!(!keys.current().find(&secret("a").kid()).unwrap().is_retired());
    }
}
