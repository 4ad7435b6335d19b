//! Whom the client has called lately, and how they have answered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::metrics::gauge::Gauge;

use super::{
    circuit::{Admission, Circuit, Permit, Phase},
    measures::Measures,
};
use crate::{clock::Clock, rng::Rng};

/// More are not remembered: whoever was called least recently is forgotten.
pub(super) const MOST: usize = 256;

/// A peer that keeps failing is asked again at least this often.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where the time and chance of circuits come from.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
}

impl Surroundings {
    /// A byte of chance.
    pub fn chance(&self) -> u8 {
        let mut chance = [0];
        self.rng.fill(&mut chance);
        chance[0]
    }
}

/// Somebody who is called.
pub(super) struct Peer {
    /// Scheme, host and port.
    pub name: String,
    circuit: Mutex<Circuit>,
    state: Gauge,
    surroundings: Surroundings,
}

/// A peer that has not answered for so long is about to fail, whoever gives up waiting.
const LONG: Duration = Duration::from_secs(2);

/// A question under way. Dropped without a word, it was given up by its caller.
pub(super) struct Attempt<'a> {
    peer: &'a Peer,
    permit: Option<Permit>,
    begun: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peer {
    pub fn new(name: String, longest_pause: Duration, surroundings: Surroundings, measures: &Measures) -> Self {
        let state = measures.circuit(&name);
        Self { name, circuit: Mutex::new(Circuit::new(longest_pause)), state, surroundings }
    }

    /// Begins a question, unless the peer is to be left alone for as long as the error says.
    pub fn ask(&self) -> Result<Attempt<'_>, Duration> {
        match self.change(|circuit| circuit.admit(self.surroundings.clock.now())) {
            Admission::Ask(permit) => Ok(Attempt { peer: self, permit: Some(permit), begun: Instant::now() }),
            Admission::LeaveAlone(pause) => Err(pause),
        }
    }

    /// Says once what has changed.
    fn change<T>(&self, change: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut circuit = lock(&self.circuit);
        let before = circuit.phase();
        let outcome = change(&mut circuit);
        let after = circuit.phase();
        if before == after {
            return outcome;
        }
        self.state.set(after as i64);
        let peer = &self.name;
        match (before, after) {
            (Phase::Closed, Phase::Open) => tracing::warn!(peer, "a peer keeps failing and is left alone"),
            (_, Phase::Closed) => tracing::info!(peer, "a peer answers again"),
            _ => tracing::debug!(peer, ?after, "a peer that has failed is looked at"),
        }
        outcome
    }
}

impl Attempt<'_> {
    /// The peer has answered.
    pub fn succeeded(mut self) {
        if let Some(permit) = self.permit.take() {
            self.peer.change(|circuit| circuit.succeeded(permit));
        }
    }

    /// The peer has not answered, or said that it cannot.
    pub fn failed(mut self) {
        self.count_failure();
    }

    fn count_failure(&mut self) {
        let Surroundings { clock, .. } = &self.peer.surroundings;
        if let Some(permit) = self.permit.take() {
            let chance = self.peer.surroundings.chance();
            self.peer.change(|circuit| circuit.failed(permit, clock.now(), chance));
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        // Whoever waits for this caller may have less patience: a peer that hangs must be noticed all the same.
        if self.begun.elapsed() >= LONG {
            self.count_failure();
        }
        if let Some(permit) = self.permit.take() {
            let now = self.peer.surroundings.clock.now();
            self.peer.change(|circuit| circuit.abandoned(permit, now));
        }
    }
}

/// The peers by name.
pub(super) struct Peers {
    known: Mutex<Known>,
    surroundings: Surroundings,
    measures: Measures,
}

#[derive(Default)]
struct Known {
    peers: HashMap<String, (Arc<Peer>, u64)>,
    calls: u64,
}

impl Peers {
    pub fn new(surroundings: Surroundings, measures: Measures) -> Self {
        Self { known: Mutex::default(), surroundings, measures }
    }

    pub fn named(&self, name: &str) -> Arc<Peer> {
        let mut known = lock(&self.known);
        known.calls += 1;
        let calls = known.calls;
        if let Some((peer, last_call)) = known.peers.get_mut(name) {
            *last_call = calls;
            return Arc::clone(peer);
        }
        if known.peers.len() >= MOST {
            self.forget_one(&mut known);
        }
        let peer = Peer::new(name.to_owned(), LONGEST_PAUSE, self.surroundings.clone(), &self.measures);
        let peer = Arc::new(peer);
        known.peers.insert(name.to_owned(), (Arc::clone(&peer), calls));
        peer
    }

    /// A peer that fails is remembered longer than one that answers.
    fn forget_one(&self, known: &mut Known) {
        let by_use =
            |(_, (peer, last_call)): &(&String, &(Arc<Peer>, u64))| (!lock(&peer.circuit).is_sound(), *last_call);
        let name = known.peers.iter().min_by_key(by_use).map(|(name, _)| name.clone());
        if let Some(name) = name {
            known.peers.remove(&name);
            self.measures.forget(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::SystemClock, rng::SystemRng};

    #[test]
    fn however_many_are_called_few_are_remembered_and_those_that_fail_longest() {
        let surroundings = Surroundings { clock: Arc::new(SystemClock), rng: Arc::new(SystemRng) };
        let peers = Peers::new(surroundings, Measures::default());
        let failing = peers.named("failing");
        for number in 0..10 * MOST {
            if let Ok(attempt) = peers.named("failing").ask() {
                attempt.failed();
            }
            peers.named(&number.to_string());
        }
        assert_eq!(lock(&peers.known).peers.len(), MOST);
        assert!(Arc::ptr_eq(&failing, &peers.named("failing")));
        assert!(failing.ask().is_err());
    }
}
