//! Tokens on behalf of users (RFC 8693), kept for as long as they live. Of a user's own token only a hash is kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};

use super::{
    error::TokenError,
    flight::Flight,
    kept_token::KeptToken,
    measures::{Measures, lookup},
    token_endpoint::{Exchange, Grant, TokenEndpoint},
};
use crate::clock::Timestamp;

/// More are not kept. The longest token has 8 KiB.
pub(super) const MOST: usize = 1_000;

/// SHA-256 of who, where and what for.
type Key = [u8; 32];

type Outcome = Result<SecretString, TokenError>;

/// Gives out such tokens.
pub(super) struct ExchangedTokens {
    endpoint: Arc<TokenEndpoint>,
    kept: Cache<Key, KeptToken>,
    flights: Mutex<HashMap<Key, Flight<Outcome>>>,
    measures: Measures,
}

impl ExchangedTokens {
    pub fn new(endpoint: Arc<TokenEndpoint>, measures: Measures) -> Self {
        Self { endpoint, kept: Cache::new(MOST), flights: Mutex::default(), measures }
    }

    /// A token for this exchange. Whoever wants the same at the same time waits for the same answer. `refused`: when a peer
    /// did not accept the last one, if that is why.
    pub async fn get(self: &Arc<Self>, exchange: &Exchange, refused: Option<Timestamp>) -> Outcome {
        let key = key(exchange);
        loop {
            if let Some(token) = self.kept(&key) {
                self.measures.lookup(lookup::HIT);
                return Ok(token);
            }
            // Where the runtime of the task has ended, this one's takes over.
            if let Some(outcome) = self.flight(key, exchange, refused).landed().await {
                return outcome;
            }
        }
    }

    /// Drops a token that was not accepted, unless it has been replaced. `Some`: another one may do better.
    pub fn refused(&self, exchange: &Exchange, token: &SecretString) -> Option<Timestamp> {
        let (key, now) = (key(exchange), self.endpoint.now());
        let is_here = self.kept.remove_if(&key, |kept| kept.is(token) && kept.may_be_replaced(now)).is_none()
            && self.kept.peek(&key).is_some_and(|kept| kept.is(token));
        (!is_here).then_some(now)
    }

    fn kept(&self, key: &Key) -> Option<SecretString> {
        let now = self.endpoint.now();
        let kept = self.kept.get(key)?;
        if kept.is_good(now) {
            return Some(kept.token);
        }
        self.kept.remove_if(key, |kept| !kept.is_good(now));
        None
    }

    /// How many are kept.
    #[cfg(feature = "server")]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// The request under way, one that has just ended, or a new one.
    fn flight(self: &Arc<Self>, key: Key, exchange: &Exchange, refused: Option<Timestamp>) -> Flight<Outcome> {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(&key).filter(|flight| flight.is_under_way()) {
            return flight.clone();
        }
        if let Some(token) = self.kept(&key) {
            return Flight::over(Ok(token));
        }
        self.measures.lookup(lookup::MISS);
        if flights.len() >= MOST {
            flights.retain(|_, flight| flight.is_under_way());
        }
        let (tokens, exchange) = (Arc::clone(self), exchange.clone());
        let flight = Flight::start(async move {
            let issued = Arc::clone(&tokens.endpoint).ask(Grant::Exchange(exchange)).await;
            let outcome = issued.map(|issued| {
                let token = issued.token.clone();
                tokens.kept.insert(key, KeptToken::new(issued, tokens.endpoint.now(), refused));
                token
            });
            tokens.flights().remove(&key);
            outcome
        });
        flights.insert(key, flight.clone());
        flight
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Key, Flight<Outcome>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each part with its length before it, so that no two exchanges look alike.
fn key(exchange: &Exchange) -> Key {
    let Exchange { subject, audiences, scope } = exchange;
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut add = |text: &str| {
        hash.update(&text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    add(subject.expose_secret());
    add(if scope.is_some() { "scope" } else { "" });
    add(scope.as_deref().unwrap_or_default());
    for audience in audiences {
        add(audience);
    }
    let mut key = [0; 32];
    key.copy_from_slice(hash.finish().as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_that_differ_have_keys_that_differ() {
        let exchange = |subject: &str, audiences: &[&str], scope: Option<&str>| {
            key(&Exchange {
                subject: subject.to_owned().into(),
                audiences: audiences.iter().map(|it| (*it).to_owned()).collect(),
                scope: scope.map(str::to_owned),
            })
        };
        let keys = [
            exchange("ab", &[], None),
            exchange("a", &["b"], None),
            exchange("a", &[], Some("b")),
            exchange("a", &["b"], Some("b")),
            exchange("a", &["b", "c"], None),
            exchange("a", &["bc"], None),
            exchange("a", &["c"], Some("b")),
            exchange("a", &[], None),
            exchange("a", &[""], None),
            exchange("a", &[], Some("")),
        ];
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(key), "{place}");
        }
        assert_eq!(exchange("a", &["b"], Some("c")), exchange("a", &["b"], Some("c")));
    }
}
