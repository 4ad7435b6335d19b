//! What keeps the one session of a history: the pure function with a record in memory, or a store.

use auth_service::{
    domain::{
        ids::{SessionId, UserId},
        session::{CurrentToken, Decision, PresentedToken, Refusal, RevokedReason, Rotation, Session},
    },
    ports::RefreshOutcome,
};
use common::clock::Timestamp;
use proptest::sample::Index;
use tokio::runtime::Runtime;

use super::{
    super::fixture::{NOW, RULES, Random, Replicas, first_token, new_session},
    broken::Decide,
};

/// What a refresh came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Granted { current: CurrentToken, rotation: Rotation },
    Refused(Refusal),
}

pub trait Keeper {
    fn first_token(&self) -> PresentedToken;
    fn refresh(&mut self, token: &PresentedToken, now: Timestamp) -> Outcome;
    /// The record is as it was after an earlier refresh.
    fn lose_writes(&mut self, since: Index);
    fn log_out(&mut self, now: Timestamp);
}

pub struct PureKeeper {
    decide: Decide,
    session: Session,
    past: Vec<(CurrentToken, Timestamp)>,
}

impl PureKeeper {
    pub fn new(decide: Decide) -> Self {
        let session = new_session();
        let past = vec![(session.current, session.idle_expiry)];
        Self { decide, session, past }
    }
}

impl Keeper for PureKeeper {
    fn first_token(&self) -> PresentedToken {
        first_token(&self.session)
    }

    fn refresh(&mut self, token: &PresentedToken, now: Timestamp) -> Outcome {
        match (self.decide)(self.session.refresh_state(now), token, now, RULES.hold) {
            Decision::Refuse(refusal) => Outcome::Refused(refusal),
            Decision::Reuse => {
                self.session.revoked = Some(RevokedReason::Reuse);
                Outcome::Refused(Refusal::TokenReused)
            }
            Decision::Grant { current, rotation, .. } => {
                self.session.current = current;
                self.session.idle_expiry = now + RULES.idle_ttl;
                self.past.push((current, self.session.idle_expiry));
                Outcome::Granted { current, rotation }
            }
        }
    }

    fn lose_writes(&mut self, since: Index) {
        (self.session.current, self.session.idle_expiry) = *since.get(&self.past);
    }

    fn log_out(&mut self, _now: Timestamp) {
        self.session.revoked = Some(RevokedReason::Logout);
    }
}

pub struct StoreKeeper<'a> {
    runtime: &'a Runtime,
    replicas: &'a Replicas,
    session: Session,
    past: Vec<Session>,
    refreshes: usize,
}

impl<'a> StoreKeeper<'a> {
    pub fn new(runtime: &'a Runtime, replicas: &'a Replicas) -> Self {
        let session = new_session();
        runtime.block_on(replicas.create(&session));
        Self { runtime, replicas, past: vec![session.clone()], session, refreshes: 0 }
    }
}

impl Keeper for StoreKeeper<'_> {
    fn first_token(&self) -> PresentedToken {
        first_token(&self.session)
    }

    fn refresh(&mut self, token: &PresentedToken, now: Timestamp) -> Outcome {
        self.refreshes += 1;
        let store = &self.replicas.stores[self.refreshes % 2];
        let outcome = store.refresh(self.session.user, self.session.id, token, now, RULES);
        match self.runtime.block_on(outcome).unwrap() {
            RefreshOutcome::Refused(refusal) => Outcome::Refused(refusal),
            RefreshOutcome::Reuse(_) => Outcome::Refused(Refusal::TokenReused),
            RefreshOutcome::Granted { session, rotation, .. } => {
                self.session = *session;
                self.past.push(self.session.clone());
                Outcome::Granted { current: self.session.current, rotation }
            }
        }
    }

    /// As far as the store's own interface lets one make such a record: under new names, of which tokens say nothing.
    fn lose_writes(&mut self, since: Index) {
        let as_it_was = since.get(&self.past).clone();
        self.session = Session { id: SessionId::new(NOW, &Random), user: UserId::new(NOW, &Random), ..as_it_was };
        self.runtime.block_on(self.replicas.create(&self.session));
    }

    fn log_out(&mut self, now: Timestamp) {
        let store = self.replicas.store();
        let (user, id) = (self.session.user, self.session.id);
        self.runtime.block_on(store.revoke(user, id, RevokedReason::Logout, now)).unwrap();
    }
}
