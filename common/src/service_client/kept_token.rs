//! A token that was issued, and how long it is used. Pure: time is an argument.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::token_endpoint::Issued;
use crate::clock::Timestamp;

/// A token is not used for so long before its end: a request takes time.
const BEFORE_ITS_END: Duration = Duration::from_secs(5);

/// A token is replaced on account of a refusal at most once in this time: a peer that refuses all must not become a
/// flood of requests for tokens.
const BETWEEN_REPLACEMENTS: Duration = Duration::from_secs(1);

/// A token in use.
#[derive(Clone)]
pub(super) struct KeptToken {
    pub token: SecretString,
    received: Timestamp,
    /// From here on it is old: another one is asked for, while this one is used.
    old: Timestamp,
    /// From here on it is not used.
    end: Timestamp,
    /// When the one before it was refused, if that is why there is this one.
    replaced: Option<Timestamp>,
    /// Whether a peer has not accepted it.
    refused: bool,
}

impl KeptToken {
    /// Old in its last fifth, or in its last half minute where that is longer.
    pub fn new(issued: Issued, now: Timestamp, replaced: Option<Timestamp>) -> Self {
        let Issued { token, lifetime } = issued;
        let renewal = (lifetime / 5).max(Duration::from_secs(30).min(lifetime / 2));
        let end = now + lifetime;
        Self {
            token,
            received: now,
            old: end - renewal,
            end: end - BEFORE_ITS_END.min(lifetime / 10),
            replaced,
            refused: false,
        }
    }

    pub fn is_good(&self, now: Timestamp) -> bool {
        // A clock that was put back makes no token good for longer.
        self.received <= now && now < self.end
    }

    pub fn is_old(&self, now: Timestamp) -> bool {
        self.old <= now
    }

    /// To be replaced before it is used again, if that can be.
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// To be replaced while it is used.
    pub fn age(&mut self, now: Timestamp) {
        self.old = self.old.min(now);
    }

    pub fn is(&self, token: &SecretString) -> bool {
        self.token.expose_secret() == token.expose_secret()
    }

    /// Whether a refusal is a reason to get another one.
    pub fn may_be_replaced(&self, now: Timestamp) -> bool {
        self.replaced.is_none_or(|last| now < last || now.since(last) >= BETWEEN_REPLACEMENTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000);

    fn kept(lifetime: u64) -> KeptToken {
        KeptToken::new(Issued { token: "t".to_owned().into(), lifetime: Duration::from_secs(lifetime) }, START, None)
    }

    #[test]
    fn a_token_grows_old_before_its_end_and_is_not_used_at_the_very_end() {
        for (lifetime, old, end) in [(300, 240, 295), (100, 70, 95), (40, 20, 36), (1, 1, 1)] {
            let token = kept(lifetime);
            let at = |seconds| START + Duration::from_secs(seconds);
            assert!(!token.is_old(START) && token.is_good(START), "{lifetime}");
            assert!(token.is_old(at(old)) && !token.is_old(at(old - 1)), "{lifetime}");
            assert!(!token.is_good(at(end)) && token.is_good(at(end - 1)), "{lifetime}");
        }
        assert!(!kept(0).is_good(START));
        assert!(!kept(300).is_good(START - Duration::from_secs(1)));
    }

    #[test]
    fn a_refusal_replaces_a_token_once_in_a_while() {
        let issued = Issued { token: "t".to_owned().into(), lifetime: Duration::from_mins(5) };
        assert!(kept(300).may_be_replaced(START));
        let second = KeptToken::new(issued, START, Some(START));
        assert!(!second.may_be_replaced(START));
        assert!(second.may_be_replaced(START + BETWEEN_REPLACEMENTS));
    }
}
