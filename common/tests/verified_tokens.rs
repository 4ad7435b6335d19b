//! A token that was verified once is believed on its next request only as far as nothing has changed since.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{
    claims::AccessClaims,
    clock::Timestamp,
    secret::{SecretSet, SigningSecret},
    testing::{ManualClock, TestToken},
    verifier::{KeySet, Keys, RevocationCheck, Standing, TokenError, Verifier, VerifyingKey},
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn secret(letter: &str) -> SigningSecret {
    SigningSecret::new(letter.repeat(32).into()).unwrap()
}

fn token(letter: &str) -> String {
    TestToken::new(&secret(letter), "issuer", "notes", Uuid::from_u128(7), NOW).sign()
}

fn keys(letters: &[&str]) -> KeySet {
    KeySet::new(letters.iter().map(|letter| VerifyingKey::of_secret(&secret(letter)))).unwrap()
}

/// What a verifier depends on, in the hands of the test.
struct Fixture {
    verifier: Verifier,
    clock: Arc<ManualClock>,
    keys: Keys,
    revocations: Arc<Told>,
}

/// Answers what it was told to, and counts how often it was asked.
struct Told {
    standing: Mutex<Standing>,
    asked: AtomicUsize,
}

impl RevocationCheck for Told {
    fn check(&self, _: &AccessClaims, _: &str) -> Standing {
        self.asked.fetch_add(1, Ordering::SeqCst);
        *self.standing.lock().unwrap()
    }
}

impl Fixture {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let keys = Keys::fixed(keys(&["a", "b"]));
        let revocations = Arc::new(Told { standing: Mutex::new(Standing::Good), asked: AtomicUsize::new(0) });
        let verifier = Verifier::with_keys("issuer", "notes", keys.clone(), Arc::clone(&clock) as _)
            .with_revocations(Arc::clone(&revocations) as _);
        Self { verifier, clock, keys, revocations }
    }

    fn answer(&self, token: &str) -> Result<(), TokenError> {
        self.verifier.verify(token).map(drop)
    }

    fn set_standing(&self, standing: Standing) {
        *self.revocations.standing.lock().unwrap() = standing;
    }
}

#[test]
fn the_second_time_the_same_claims_come_from_memory() {
    let fixture = Fixture::new();
    let (first, second) =
        (fixture.verifier.verify(&token("a")).unwrap(), fixture.verifier.verify(&token("a")).unwrap());
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn a_token_expires_also_in_memory() {
    let fixture = Fixture::new();
    let token = token("a");
    assert_eq!(fixture.answer(&token), Ok(()));
    fixture.clock.advance(Duration::from_secs(904));
    assert_eq!(fixture.answer(&token), Ok(()));
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.answer(&token), Err(TokenError::Expired));
    assert_eq!(fixture.answer(&token), Err(TokenError::Expired), "also when it is no longer in memory");
}

#[test]
fn a_token_is_revoked_also_in_memory() {
    let fixture = Fixture::new();
    let token = token("a");
    assert_eq!(fixture.answer(&token), Ok(()));
    fixture.set_standing(Standing::Unknown);
    assert_eq!(fixture.answer(&token), Err(TokenError::StandingUnknown));
    fixture.set_standing(Standing::Good);
    assert_eq!(fixture.answer(&token), Ok(()));
    fixture.set_standing(Standing::Revoked);
    assert_eq!(fixture.answer(&token), Err(TokenError::Revoked));
    assert_eq!(fixture.revocations.asked.load(Ordering::SeqCst), 4, "asked each time");
}

#[test]
fn revocations_are_not_asked_about_a_token_that_is_refused_anyway() {
    let fixture = Fixture::new();
    let token = token("c");
    assert_eq!(fixture.answer(&token), Err(TokenError::UnknownKey));
    assert_eq!(fixture.answer(&token), Err(TokenError::UnknownKey));
    assert_eq!(fixture.revocations.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn what_a_retired_key_signed_is_forgotten_and_nothing_else() {
    let fixture = Fixture::new();
    let (by_a, by_b) = (token("a"), token("b"));
    let before = fixture.verifier.verify(&by_b).unwrap();
    assert_eq!(fixture.answer(&by_a), Ok(()));
    fixture.keys.replace(keys(&["b", "c"]));
    assert_eq!(fixture.answer(&by_a), Err(TokenError::UnknownKey));
    assert!(Arc::ptr_eq(&before, &fixture.verifier.verify(&by_b).unwrap()), "what the other key signed stays");
    assert_eq!(fixture.answer(&token("c")), Ok(()));
}

#[test]
fn a_key_that_comes_back_is_believed_again() {
    let fixture = Fixture::new();
    let token = token("a");
    assert_eq!(fixture.answer(&token), Ok(()));
    fixture.keys.replace(KeySet::default());
    assert_eq!(fixture.answer(&token), Err(TokenError::UnknownKey));
    fixture.keys.replace(KeySet::of_secrets(&SecretSet::only(secret("a"))));
    assert_eq!(fixture.answer(&token), Ok(()));
}

#[test]
fn a_token_that_differs_in_one_character_is_another_token() {
    let fixture = Fixture::new();
    let token = token("a");
    assert_eq!(fixture.answer(&token), Ok(()));
    for position in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(fixture.answer(&changed).is_err(), "{position}");
        assert!(fixture.answer(&changed).is_err(), "{position}, the second time");
    }
}

#[test]
fn many_threads_see_one_retirement() {
    let fixture = Fixture::new();
    let token = token("a");
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    // Until the key is gone: a token once refused is never believed again.
                    while fixture.answer(&token).is_ok() {}
                    (0..1_000).all(|_| fixture.answer(&token) == Err(TokenError::UnknownKey))
                })
            })
            .collect();
        fixture.keys.replace(keys(&["b"]));
        assert!(workers.into_iter().all(|worker| worker.join().unwrap()));
    });
}
