//! What keeps the one session of a history: the pure functions with a record in memory, or a store.

use std::time::Duration;

use auth_service::domain::{
    session::{RevokedReason, Session},
    session_secret::{SecretHash, decide_renewal, decide_visit},
};
use common::clock::Timestamp;
use tokio::runtime::Runtime;

use super::super::super::fixture::{RULES, Replicas, new_known_session};

pub trait Keeper {
    fn first_secret(&self) -> SecretHash;
    /// Whether it was granted.
    fn visit(&mut self, secret: &SecretHash, now: Timestamp) -> bool;
    /// Whether it was granted.
    fn renew(&mut self, presented: &SecretHash, new: &SecretHash, now: Timestamp) -> bool;
    fn log_out(&mut self, now: Timestamp);
}

/// The two decisions, or others in their place.
pub struct Rules {
    pub visit: fn(&Session, &SecretHash, Timestamp, Duration) -> Option<Session>,
    pub renewal: fn(&Session, &SecretHash, &SecretHash, Timestamp) -> Option<Session>,
}

impl Rules {
    pub const WHOLE: Self = Self { visit: decide_visit, renewal: decide_renewal };
}

pub struct PureKeeper {
    rules: Rules,
    session: Session,
    first: SecretHash,
}

impl PureKeeper {
    pub fn new(rules: Rules) -> Self {
        let (session, first) = new_known_session();
        Self { rules, session, first }
    }

    fn keep(&mut self, decided: Option<Session>) -> bool {
        decided.map(|session| self.session = session).is_some()
    }
}

impl Keeper for PureKeeper {
    fn first_secret(&self) -> SecretHash {
        self.first
    }

    fn visit(&mut self, secret: &SecretHash, now: Timestamp) -> bool {
        self.keep((self.rules.visit)(&self.session, secret, now, RULES.idle_ttl))
    }

    fn renew(&mut self, presented: &SecretHash, new: &SecretHash, now: Timestamp) -> bool {
        self.keep((self.rules.renewal)(&self.session, presented, new, now))
    }

    fn log_out(&mut self, _now: Timestamp) {
        self.session.revoked = Some(RevokedReason::Logout);
    }
}

/// By turns in both replicas.
pub struct StoreKeeper<'a> {
    runtime: &'a Runtime,
    replicas: &'a Replicas,
    session: Session,
    first: SecretHash,
    requests: usize,
}

impl<'a> StoreKeeper<'a> {
    pub fn new(runtime: &'a Runtime, replicas: &'a Replicas) -> Self {
        let (session, first) = new_known_session();
        runtime.block_on(replicas.create(&session));
        Self { runtime, replicas, session, first, requests: 0 }
    }

    fn next(&mut self) -> &'a dyn auth_service::ports::SessionStore {
        self.requests += 1;
        &*self.replicas.stores[self.requests % 2]
    }
}

impl Keeper for StoreKeeper<'_> {
    fn first_secret(&self) -> SecretHash {
        self.first
    }

    fn visit(&mut self, secret: &SecretHash, now: Timestamp) -> bool {
        let visit = self.next().visit(self.session.user, self.session.id, secret, now, RULES.idle_ttl);
        self.runtime.block_on(visit).unwrap().is_some()
    }

    fn renew(&mut self, presented: &SecretHash, new: &SecretHash, now: Timestamp) -> bool {
        let renewal = self.next().renew_secret(self.session.user, self.session.id, presented, new, now);
        self.runtime.block_on(renewal).unwrap()
    }

    fn log_out(&mut self, now: Timestamp) {
        let ended = self.next().revoke(self.session.user, self.session.id, RevokedReason::Logout, now);
        self.runtime.block_on(ended).unwrap();
    }
}
