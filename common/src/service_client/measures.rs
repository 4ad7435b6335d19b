//! What is counted of calls and tokens.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

/// What happened, as a label says it.
type Word = &'static str;

/// How a call ended.
pub(super) mod call {
    use super::Word;

    pub const ANSWERED: Word = "answered";
    /// With a status from 400 to 499.
    pub const REFUSED: Word = "refused";
    /// With a status from 500.
    pub const PEER_FAILED: Word = "peer_failed";
    pub const NO_ANSWER: Word = "no_answer";
    pub const LEFT_ALONE: Word = "left_alone";
    pub const NO_TOKEN: Word = "no_token";
    pub const ALL: [Word; 6] = [ANSWERED, REFUSED, PEER_FAILED, NO_ANSWER, LEFT_ALONE, NO_TOKEN];
}

/// How a request for a token ended.
pub(super) mod token {
    use super::Word;

    pub const ISSUED: Word = "issued";
    pub const REFUSED: Word = "refused";
    pub const FAILED: Word = "failed";
    pub const LEFT_ALONE: Word = "left_alone";
}

/// Whether an exchanged token was there already.
pub(super) mod lookup {
    use super::Word;

    pub const HIT: Word = "hit";
    pub const MISS: Word = "miss";
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    peer: String,
    outcome: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeerLabels {
    peer: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    grant: Word,
    outcome: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LookupLabels {
    result: Word,
}

/// The counts of one client.
#[derive(Debug, Clone, Default)]
pub(super) struct Measures {
    calls: Family<CallLabels, Counter>,
    circuits: Family<PeerLabels, Gauge>,
    tokens: Family<TokenLabels, Counter>,
    lookups: Family<LookupLabels, Counter>,
}

impl Measures {
    pub fn call(&self, peer: &str, outcome: Word) {
        self.calls.get_or_create(&CallLabels { peer: peer.to_owned(), outcome }).inc();
    }

    pub fn token(&self, grant: Word, outcome: Word) {
        self.tokens.get_or_create(&TokenLabels { grant, outcome }).inc();
    }

    pub fn lookup(&self, result: Word) {
        self.lookups.get_or_create(&LookupLabels { result }).inc();
    }

    /// The state of a peer's circuit.
    pub fn circuit(&self, peer: &str) -> Gauge {
        self.circuits.get_or_create_owned(&PeerLabels { peer: peer.to_owned() })
    }

    /// Nothing is said of this peer any more.
    pub fn forget(&self, peer: &str) {
        self.circuits.remove(&PeerLabels { peer: peer.to_owned() });
        for outcome in call::ALL {
            self.calls.remove(&CallLabels { peer: peer.to_owned(), outcome });
        }
    }

    /// Adds the counts to those of a service.
    #[cfg(feature = "server")]
    pub fn register(&self, metrics: &crate::telemetry::metrics::Metrics) {
        metrics.register("service_calls", "Calls to other services, by how they ended", self.calls.clone());
        let help = "Whether a peer is asked: 0 it is, 1 by one call to see, 2 it is left alone";
        metrics.register("service_circuit_state", help, self.circuits.clone());
        metrics.register("service_token_requests", "Requests for tokens, by how they ended", self.tokens.clone());
        let help = "Tokens on behalf of users that were there already, or not";
        metrics.register("service_exchanged_token_lookups", help, self.lookups.clone());
    }
}
