//! The life of the signing keys: what the rules decide is made, encrypted and stored, by any number of replicas at once.

use std::sync::Arc;

use common::{clock::Timestamp, verifier::RepeatedKid};

use super::audit;
use crate::{
    crypto::{
        master_key::{MasterKeys, OpenError},
        open_keys::{KeyOpener, OpenKeys},
        signing_pair::{KeyPairFailed, SigningPair},
    },
    domain::{
        audit::{Actor, AuditEvent, AuditKind},
        signing_key::{KeyAlgorithm, KeyId, KeyRules, SigningKey},
        signing_key_rules::{self as rules, Refused, Step},
    },
    ports::{Clock, KeyChange, KeyRing, KeyStore, Rng, StoreError, StoredKey},
};

/// Attempts at a change that loses against other replicas.
const ATTEMPTS: u32 = 5;

/// Why the signing keys were not read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key cannot be decrypted. No other is made in its place.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A key cannot be made.
    #[error(transparent)]
    KeyPair(#[from] KeyPairFailed),
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A key has the name of a secret.
    #[error(transparent)]
    Repeated(#[from] RepeatedKid),
    /// Others changed the keys again and again: try again.
    #[error("the signing keys were changed by others meanwhile; try again")]
    Contended,
}

/// How access tokens are to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPolicy {
    /// With what; `None` for HS256.
    pub algorithm: Option<KeyAlgorithm>,
    /// The first key begins at once: there is no HS256 to sign with until everybody knows it.
    pub first_at_once: bool,
    /// How long keys sign and are published.
    pub rules: KeyRules,
}

/// Keeps the signing keys.
pub struct KeyKeeper {
    store: Arc<dyn KeyStore>,
    masters: Arc<MasterKeys>,
    opener: KeyOpener,
    policy: KeyPolicy,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

type Decision = Result<Vec<Step>, Refused>;

impl KeyKeeper {
    /// Keeps the keys of `store`, encrypted under `masters`.
    #[must_use]
    pub fn new(
        store: Arc<dyn KeyStore>,
        masters: Arc<MasterKeys>,
        policy: KeyPolicy,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        let opener = KeyOpener::new(Arc::clone(&masters));
        Self { store, masters, opener, policy, clock, rng }
    }

    /// At the start: makes the keys what the settings want, and reads them.
    pub async fn align(&self) -> Result<Arc<OpenKeys>, KeysError> {
        let KeyPolicy { algorithm, first_at_once, .. } = self.policy;
        let decide = |keys: &[_], now, rules: &_| Ok(rules::align(keys, algorithm, first_at_once, now, rules));
        self.change(&Actor::System, decide).await
    }

    /// From then on: does what is due, and reads them.
    pub async fn keep(&self) -> Result<Arc<OpenKeys>, KeysError> {
        self.change(&Actor::System, |keys, now, rules| Ok(rules::keep(keys, now, rules))).await
    }

    /// By command: the next key takes over as soon as everybody knows it.
    pub async fn rotate(&self) -> Result<Vec<SigningKey>, KeysError> {
        self.change(&Actor::Operator, rules::rotate).await?;
        self.list().await
    }

    /// By command: a key goes at once. Works also where keys cannot be decrypted any more.
    pub async fn retire_at_once(&self, kid: &KeyId) -> Result<Vec<SigningKey>, KeysError> {
        let decide = |keys: &[_], now, rules: &_| rules::retire_at_once(keys, kid, now, rules);
        self.decide_and_store(&Actor::Operator, |_| Ok(()), decide).await?;
        self.list().await
    }

    /// All keys.
    pub async fn list(&self) -> Result<Vec<SigningKey>, KeysError> {
        Ok(self.store.load().await?.keys.into_iter().map(|stored| stored.key).collect())
    }

    /// By command: encrypts every key under the current master key. Returns how many were under another one.
    pub async fn rewrap(&self) -> Result<usize, KeysError> {
        for _ in 0..ATTEMPTS {
            let ring = self.store.load().await?;
            self.opener.open(&ring)?;
            let others = ring.keys.iter().filter(|stored| !self.masters.is_current(&stored.sealed));
            let changes = others.map(|stored| self.resealed(stored)).collect::<Result<Vec<_>, _>>()?;
            if changes.is_empty() || self.store_with_events(&ring, &changes, &Actor::Operator).await? {
                return Ok(changes.len());
            }
        }
        Err(KeysError::Contended)
    }

    fn resealed(&self, StoredKey { key, sealed }: &StoredKey) -> Result<KeyChange, KeysError> {
        let pkcs8 = self.masters.open(&key.kid, key.algorithm, sealed)?;
        let sealed = self.masters.seal(&key.kid, key.algorithm, &pkcs8, &*self.rng).ok_or(KeyPairFailed)?;
        Ok(KeyChange::Reseal(key.kid.clone(), sealed))
    }

    /// Nothing is decided on keys that cannot be opened: a wrong master key must not end in new keys.
    async fn change(
        &self,
        actor: &Actor,
        decide: impl Fn(&[SigningKey], Timestamp, &KeyRules) -> Decision,
    ) -> Result<Arc<OpenKeys>, KeysError> {
        let ring = self.decide_and_store(actor, |ring| self.opener.open(ring).map(drop), decide).await?;
        Ok(self.opener.open(&ring)?)
    }

    async fn decide_and_store(
        &self,
        actor: &Actor,
        check: impl Fn(&KeyRing) -> Result<(), OpenError>,
        decide: impl Fn(&[SigningKey], Timestamp, &KeyRules) -> Decision,
    ) -> Result<KeyRing, KeysError> {
        for _ in 0..ATTEMPTS {
            let ring = self.store.load().await?;
            check(&ring)?;
            let now = self.clock.now();
            let keys: Vec<_> = ring.keys.iter().map(|stored| stored.key.clone()).collect();
            let steps = decide(&keys, now, &self.policy.rules)?;
            if steps.is_empty() {
                return Ok(ring);
            }
            let mut changes = Vec::with_capacity(steps.len());
            for step in steps {
                changes.push(self.prepared(step, now).await?);
            }
            if self.store_with_events(&ring, &changes, actor).await? {
                return Ok(self.store.load().await?);
            }
        }
        Err(KeysError::Contended)
    }

    async fn store_with_events(&self, ring: &KeyRing, changes: &[KeyChange], actor: &Actor) -> Result<bool, KeysError> {
        let events: Vec<_> = changes.iter().map(|change| self.event(change, actor)).collect();
        let done = self.store.change(ring.revision, changes, &events).await?;
        if done {
            events.iter().for_each(audit::log);
        }
        Ok(done)
    }

    fn event(&self, change: &KeyChange, actor: &Actor) -> AuditEvent {
        let event = |kind, kid: &KeyId| {
            AuditEvent::new(kind, actor.clone(), self.clock.now(), &*self.rng).with("kid", kid.to_string())
        };
        match change {
            KeyChange::Insert(StoredKey { key, .. }) => event(AuditKind::KeyAdded, &key.kid)
                .with("algorithm", key.algorithm.as_str())
                .with("activates_at", key.activates_at.rfc3339()),
            KeyChange::Activate(kid, at) => event(AuditKind::KeyScheduled, kid).with("activates_at", at.rfc3339()),
            KeyChange::Retire(kid, retirement) => event(AuditKind::KeyRetired, kid)
                .with("retires_at", retirement.at.rfc3339())
                .with("verify_until", retirement.verify_until.rfc3339()),
            KeyChange::Reseal(kid, _) => event(AuditKind::KeyRewrapped, kid),
            KeyChange::Delete(kid) => event(AuditKind::KeyDeleted, kid),
        }
    }

    async fn prepared(&self, step: Step, now: Timestamp) -> Result<KeyChange, KeysError> {
        Ok(match step {
            Step::Activate { kid, at } => KeyChange::Activate(kid, at),
            Step::Retire { kid, retirement } => KeyChange::Retire(kid, retirement),
            Step::Delete { kid } => KeyChange::Delete(kid),
            Step::Create { algorithm, activates_at } => {
                let made = tokio::task::spawn_blocking(move || SigningPair::generate(algorithm)).await;
                let (pair, pkcs8) = made.map_err(|_| KeyPairFailed)??;
                let kid = pair.kid()?;
                let sealed = self.masters.seal(&kid, algorithm, &pkcs8, &*self.rng).ok_or(KeyPairFailed)?;
                let key = SigningKey { kid, algorithm, created_at: now, activates_at, retirement: None };
                KeyChange::Insert(StoredKey { key, sealed })
            }
        })
    }
}
