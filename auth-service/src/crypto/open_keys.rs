//! The signing keys of the store, decrypted and checked, as a replica holds them.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use common::{
    claims::ACCESS_TOKEN_TYPE,
    clock::Timestamp,
    jwk::{JwkSet, PublicJwk},
    verifier::VerifyingKey,
};

use super::{
    jws::JwsSigner,
    master_key::{MasterKeys, OpenError},
    signing_pair::SigningPair,
};
use crate::{
    domain::signing_key::{Phase, SigningKey, signing_at},
    ports::{KeyRing, SealedKey, StoredKey},
};

/// A signing key that is ready to sign.
pub struct OpenKey {
    /// The key.
    pub key: SigningKey,
    /// What signs access tokens.
    pub signer: JwsSigner,
    /// What is published.
    pub jwk: PublicJwk,
    /// What verifies here: read off what is published, as everybody else does.
    pub verifying: VerifyingKey,
}

/// The keys of one revision.
pub struct OpenKeys {
    revision: i64,
    keys: Vec<(SealedKey, Arc<OpenKey>)>,
}

impl fmt::Debug for OpenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|open| &open.key)).finish()
    }
}

impl OpenKeys {
    /// All keys, in the order in which they sign.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<OpenKey>> {
        self.keys.iter().map(|(_, open)| open)
    }

    /// The key that signs at `now`.
    #[must_use]
    pub fn signing_at(&self, now: Timestamp) -> Option<&Arc<OpenKey>> {
        let active = signing_at(self.iter().map(|open| &open.key), now)?;
        self.iter().find(|open| open.key.kid == active.kid)
    }

    /// The key that begins next. Where nothing signs, the clock that decided so is ahead of ours.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Option<&Arc<OpenKey>> {
        let waiting = self.iter().filter(|open| open.key.phase(now) == Phase::Next);
        waiting.min_by_key(|open| open.key.activates_at)
    }

    /// What is published at `now`.
    #[must_use]
    pub fn published(&self, now: Timestamp) -> JwkSet {
        let keys = self.iter().filter(|open| open.key.is_published(now)).map(|open| open.jwk.clone());
        JwkSet { keys: keys.collect() }
    }
}

/// Opens the keys of the store, and remembers those that it has opened.
pub struct KeyOpener {
    masters: Arc<MasterKeys>,
    last: Mutex<Option<Arc<OpenKeys>>>,
}

impl KeyOpener {
    /// Opens with `masters`.
    #[must_use]
    pub fn new(masters: Arc<MasterKeys>) -> Self {
        Self { masters, last: Mutex::default() }
    }

    /// The keys of `ring`, or why one of them cannot be used. What was opened last stays as it is then.
    pub fn open(&self, ring: &KeyRing) -> Result<Arc<OpenKeys>, OpenError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = last.as_ref().filter(|known| known.revision == ring.revision) {
            return Ok(Arc::clone(known));
        }
        let keys = ring.keys.iter().map(|stored| {
            let same = |(sealed, open): &&(SealedKey, Arc<OpenKey>)| *sealed == stored.sealed && open.key == stored.key;
            match last.as_ref().and_then(|known| known.keys.iter().find(same)) {
                Some(known) => Ok(known.clone()),
                None => Ok((stored.sealed.clone(), Arc::new(self.open_one(stored)?))),
            }
        });
        let opened = Arc::new(OpenKeys { revision: ring.revision, keys: keys.collect::<Result<_, _>>()? });
        *last = Some(Arc::clone(&opened));
        Ok(opened)
    }

    fn open_one(&self, StoredKey { key, sealed }: &StoredKey) -> Result<OpenKey, OpenError> {
        let tampered = |_| OpenError::Tampered(key.kid.clone());
        let pkcs8 = self.masters.open(&key.kid, key.algorithm, sealed)?;
        let pair = SigningPair::from_pkcs8(key.algorithm, &pkcs8).map_err(tampered)?;
        if pair.kid().map_err(tampered)? != key.kid {
            return Err(OpenError::Tampered(key.kid.clone()));
        }
        let unusable = || OpenError::Tampered(key.kid.clone());
        let jwk = PublicJwk::new(key.kid.to_string(), pair.public().map_err(tampered)?);
        let verifying = VerifyingKey {
            kid: jwk.kid.clone(),
            algorithm: jwk.numbers.algorithm(),
            decoding: jwk.numbers.decoding_key().ok_or_else(unusable)?,
        };
        let signer = JwsSigner::with_pair(ACCESS_TOKEN_TYPE, jwk.kid.clone(), pair).map_err(|_| unusable())?;
        Ok(OpenKey { key: key.clone(), signer, jwk, verifying })
    }
}
