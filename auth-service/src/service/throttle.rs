//! The throttle in front of everything that checks a secret somebody could guess.
//!
//! A use case reserves before it hashes, and settles afterwards unless the secret was wrong:
//!
//! 1. [`Throttle::reserve`], which refuses with [`Trouble::Throttled`];
//! 2. [`Reservation::succeeded`], [`Reservation::withdrawn`] or [`Reservation::failed`].

use std::{net::IpAddr, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::secret::SigningSecret;

use super::{Deps, Trouble};
use crate::{
    domain::{
        audit::AuditEvent,
        network::Network,
        throttle::{Limit, Settlement, Verdict},
        user::{Email, User},
    },
    ports::{AttemptKeys, Clock, ThrottleStore},
};

/// What is guessed at. Each has limits of its own; an address has one for all of them.
#[derive(Debug, Clone, Copy)]
pub enum Guarded<'a> {
    /// The password of whoever goes by this name, if anybody does.
    Password(&'a str),
    /// The secret of a client.
    ClientSecret(&'a str),
    /// A registration under this name: every one counts, since it costs a hash.
    Registration(&'a str),
    /// Names that a user, by id, would like to have: whoever is told that one is taken has found somebody.
    Renaming(&'a str),
}

/// Limits attempts. The store learns neither names nor addresses: its keys are codes under a key of auth-service's own.
pub struct Throttle {
    store: Arc<dyn ThrottleStore>,
    key: hmac::Key,
    clock: Arc<dyn Clock>,
}

/// An attempt that may go on, and counts as a failure until something else is said.
pub struct Reservation<'a> {
    throttle: &'a Throttle,
    keys: AttemptKeys,
    address: Option<IpAddr>,
    reached: Option<Limit>,
}

impl Throttle {
    /// A throttle whose codes are made with a key derived from `own`.
    pub fn new(store: Arc<dyn ThrottleStore>, own: &SigningSecret, clock: Arc<dyn Clock>) -> Self {
        Self { store, key: hmac::Key::new(hmac::HMAC_SHA256, &own.derive(b"latchkey throttle")), clock }
    }

    /// Counts an attempt from `address`, or refuses it.
    pub async fn reserve(&self, what: Guarded<'_>, address: Option<IpAddr>) -> Result<Reservation<'_>, Trouble> {
        let keys = self.keys(what, address);
        match self.store.reserve(&keys, self.clock.now()).await? {
            Verdict::Admitted { reached } => Ok(Reservation { throttle: self, keys, address, reached }),
            Verdict::Refused { limit, retry_after } => Err(Trouble::Throttled { limit, retry_after }),
        }
    }

    fn keys(&self, what: Guarded<'_>, address: Option<IpAddr>) -> AttemptKeys {
        let network = address.map(|address| Network::of(address).to_string());
        let account = match what {
            Guarded::Password(name) => ["password", name],
            Guarded::ClientSecret(id) => ["client", id],
            Guarded::Registration(name) => ["registration", name],
            Guarded::Renaming(id) => ["renaming", id],
        };
        let from = network.as_deref().unwrap_or("unknown");
        AttemptKeys {
            pair: self.code(&["pair", account[0], account[1], from]),
            account: self.code(&["account", account[0], account[1]]),
            address: network.as_deref().map(|network| self.code(&["address", network])),
            known: self.code(&["known", account[0], account[1], from]),
        }
    }

    /// None of the words contains a NUL.
    fn code(&self, words: &[&str]) -> String {
        let tag = hmac::sign(&self.key, words.join("\0").as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..16])
    }
}

impl Reservation<'_> {
    /// The secret was right.
    pub async fn succeeded(self) {
        self.settle(Settlement::Succeeded, &[]).await;
    }

    /// The password was right, and it is this user's: their other name is just as well known from this address.
    pub async fn succeeded_for(self, user: &User) {
        let names = [Some(user.username.as_str()), user.email.as_ref().map(Email::as_str)];
        let keys = names.into_iter().flatten().map(|name| self.throttle.keys(Guarded::Password(name), self.address));
        let known: Vec<_> = keys.map(|keys| keys.known).collect();
        self.settle(Settlement::Succeeded, &known).await;
    }

    /// Whether the secret is right was not found out.
    pub async fn withdrawn(self) {
        self.settle(Settlement::Withdrawn, &[]).await;
    }

    /// The secret was wrong. `event` goes into the audit trail, where it is the last free failure.
    pub fn failed(self, deps: &Deps, event: AuditEvent) {
        if let Some(limit) = self.reached {
            deps.audit.record(event.from_address(self.address).with("limit", limit.as_str()));
        }
    }

    /// Where the store is away meanwhile, the attempt counts as a failure: nothing worse.
    async fn settle(self, settlement: Settlement, also_known: &[String]) {
        let Throttle { store, clock, .. } = self.throttle;
        if let Err(error) = store.settle(&self.keys, settlement, also_known, clock.now()).await {
            tracing::warn!(%error, "an attempt that did not fail stays counted");
        }
    }
}
