//! The mirror: answers from memory, and knows how old its knowledge is.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use super::live::{Entry, Live};
use crate::{
    claims::AccessClaims,
    clock::{Clock, Timestamp},
    verifier::{RevocationCheck, Standing},
};

/// What happens to tokens when nothing has been heard for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenStale {
    /// They are judged by what is known: a service goes on while auth-service is down.
    Serve,
    /// They are refused with 503.
    Refuse,
}

/// What happens to tokens before anything has been heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenCold {
    /// They are accepted.
    Serve,
    /// They are refused with 503, and the service is not ready.
    Refuse,
}

/// How much the mirror is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// After so long without a word from auth-service the mirror is stale.
    pub max_staleness: Duration,
    /// What happens then.
    pub when_stale: WhenStale,
    /// What happens before the first word.
    pub when_cold: WhenCold,
}

/// What was revoked, as far as this service has heard.
pub struct Mirror {
    live: RwLock<Live>,
    /// When the mirror last was as good as the feed, in microseconds; [`NEVER`] before that.
    heard: AtomicI64,
    policy: Policy,
    clock: Arc<dyn Clock>,
}

const NEVER: i64 = i64::MIN;

impl Mirror {
    /// A mirror that has heard nothing yet.
    #[must_use]
    pub fn new(policy: Policy, clock: Arc<dyn Clock>) -> Self {
        Self { live: RwLock::default(), heard: AtomicI64::new(NEVER), policy, clock }
    }

    /// The same mirror, knowing `entries` from elsewhere, which were as good as the feed at `heard`.
    #[must_use]
    pub fn knowing(self, entries: &[Entry], heard: Timestamp) -> Self {
        self.add(entries);
        self.caught_up(heard);
        self
    }

    /// Whether it has ever been as good as the feed, or need not be.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.heard().is_some() || self.policy.when_cold == WhenCold::Serve
    }

    /// How many revocations it knows that some token could still be about.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read(Live::len)
    }

    /// Whether it knows of none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long ago it was as good as the feed; `None` if it never was.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.heard().map(|heard| self.clock.now().since(heard))
    }

    pub(super) fn heard(&self) -> Option<Timestamp> {
        Some(self.heard.load(Ordering::Acquire)).filter(|micros| *micros != NEVER).map(Timestamp::from_micros)
    }

    /// Adds what the feed says, and drops what has become pointless.
    pub(super) fn add(&self, entries: &[Entry]) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            live.add(entry);
        }
        live.prune(self.clock.now());
    }

    /// Notes that it was as good as the feed at `at`.
    pub(super) fn caught_up(&self, at: Timestamp) {
        self.heard.fetch_max(at.micros(), Ordering::AcqRel);
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.read(Live::entries)
    }

    fn read<T>(&self, ask: impl FnOnce(&Live) -> T) -> T {
        ask(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RevocationCheck for Mirror {
    fn check(&self, token: &AccessClaims, kid: &str) -> Standing {
        if self.read(|live| live.revokes(token, kid)) {
            return Standing::Revoked;
        }
        let unknown = match self.age() {
            None => self.policy.when_cold == WhenCold::Refuse,
            Some(age) => self.policy.when_stale == WhenStale::Refuse && age > self.policy.max_staleness,
        };
        if unknown { Standing::Unknown } else { Standing::Good }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        claims::{ActorChain, ServiceClaims, UserClaims},
        secret::SigningSecret,
        testing::{ManualClock, TestToken},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const MINUTE: Duration = Duration::from_mins(1);

    fn mirror(when_stale: WhenStale, when_cold: WhenCold) -> (Mirror, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(NOW));
        let policy = Policy { max_staleness: MINUTE, when_stale, when_cold };
        (Mirror::new(policy, Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    fn fresh() -> (Mirror, Arc<ManualClock>) {
        let (mirror, clock) = mirror(WhenStale::Refuse, WhenCold::Refuse);
        mirror.caught_up(NOW);
        (mirror, clock)
    }

    fn user(sid: u128, iat: i64) -> AccessClaims {
        let claims = TestToken::new(&secret(), "", "", Uuid::nil(), NOW).claims;
        AccessClaims::User(UserClaims { sid: Uuid::from_u128(sid), jti: format!("of-{sid}"), iat, ..claims })
    }

    fn service(client_id: &str, iat: i64) -> AccessClaims {
        let claims = TestToken::service(&secret(), "", "", client_id, NOW).claims;
        AccessClaims::Service(ServiceClaims { iat, ..claims })
    }

    fn secret() -> SigningSecret {
        SigningSecret::new("x".repeat(32).into()).unwrap()
    }

    fn exchanged(sid: u128, client_id: &str, iat: i64) -> AccessClaims {
        let AccessClaims::User(claims) = user(sid, iat) else { unreachable!() };
        let act = ActorChain::taken_over(client_id, None).ok();
        AccessClaims::User(UserClaims { client_id: client_id.to_owned(), act, ..claims })
    }

    fn entry(kind: &str, id: &str, before: Option<i64>, until: i64) -> Entry {
        Entry { kind: kind.to_owned(), id: id.to_owned(), before, until: NOW.seconds() + until }
    }

    #[test]
    fn each_kind_revokes_what_it_names_and_nothing_else() {
        let (mirror, _) = fresh();
        mirror.add(&[
            entry("sid", &Uuid::from_u128(1).to_string(), None, 900),
            entry("jti", "of-2", None, 900),
            entry("client", "reports", Some(500), 900),
            entry("kid", "key-2", None, 900),
            entry("future", "of-3", None, 900),
        ]);
        let standings = [user(1, 0), user(2, 0), user(3, 0), service("reports", 499), service("reports", 500)];
        let standings = standings.map(|token| mirror.check(&token, "key-1"));
        assert_eq!(
            standings,
            [Standing::Revoked, Standing::Revoked, Standing::Good, Standing::Revoked, Standing::Good]
        );
        assert_eq!(mirror.check(&service("others", 0), "key-1"), Standing::Good);
        assert_eq!(mirror.check(&service("others", 0), "key-2"), Standing::Revoked);
        assert_eq!(mirror.check(&user(3, 0), "key-2"), Standing::Revoked);
    }

    #[test]
    fn an_exchanged_token_goes_with_the_session_and_with_the_client_that_holds_it() {
        let (mirror, _) = fresh();
        mirror.add(&[
            entry("sid", &Uuid::from_u128(1).to_string(), None, 900),
            entry("client", "reports", Some(500), 900),
            entry("client", "first-party", None, 900),
        ]);
        let standings = [exchanged(1, "notes", 0), exchanged(2, "notes", 0), exchanged(2, "reports", 499), user(2, 0)];
        let standings = standings.map(|token| mirror.check(&token, "key-1"));
        assert_eq!(standings, [Standing::Revoked, Standing::Good, Standing::Revoked, Standing::Good]);
    }

    #[test]
    fn a_later_entry_takes_nothing_away() {
        let (mirror, clock) = fresh();
        let sid = Uuid::from_u128(1).to_string();
        mirror.add(&[entry("sid", &sid, None, 900), entry("sid", &sid, Some(10), 20)]);
        clock.advance(MINUTE);
        assert_eq!(mirror.check(&user(1, 500), "key-1"), Standing::Revoked);
    }

    #[test]
    fn what_is_about_no_token_any_more_is_dropped() {
        let (mirror, clock) = fresh();
        mirror.add(&[entry("sid", &Uuid::from_u128(1).to_string(), None, 60), entry("jti", "x", None, 70)]);
        clock.advance(MINUTE + crate::verifier::LEEWAY);
        mirror.add(&[]);
        assert_eq!(mirror.len(), 1);
    }

    #[test]
    fn before_the_first_word_the_policy_decides() {
        let (refuse, _) = mirror(WhenStale::Serve, WhenCold::Refuse);
        assert_eq!((refuse.is_ready(), refuse.check(&user(1, 0), "key-1")), (false, Standing::Unknown));
        let (serve, _) = mirror(WhenStale::Refuse, WhenCold::Serve);
        assert_eq!((serve.is_ready(), serve.check(&user(1, 0), "key-1")), (true, Standing::Good));
    }

    #[test]
    fn after_long_silence_the_policy_decides_and_what_is_revoked_stays_so() {
        let sid = Uuid::from_u128(1).to_string();
        for (when_stale, expected) in [(WhenStale::Serve, Standing::Good), (WhenStale::Refuse, Standing::Unknown)] {
            let (mirror, clock) = mirror(when_stale, WhenCold::Refuse);
            mirror.add(&[entry("sid", &sid, None, 900)]);
            mirror.caught_up(NOW);
            clock.advance(MINUTE);
            assert_eq!(mirror.check(&user(2, 0), "key-1"), Standing::Good);
            clock.advance(Duration::from_micros(1));
            assert_eq!(mirror.check(&user(2, 0), "key-1"), expected);
            assert_eq!(mirror.check(&user(1, 0), "key-1"), Standing::Revoked);
            mirror.caught_up(clock.now());
            assert_eq!(mirror.check(&user(2, 0), "key-1"), Standing::Good);
        }
    }
}
