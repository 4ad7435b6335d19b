//! How many allocations a refresh costs before and after the store is asked. Unlike a time, a count is the same on every
//! machine.
//!
//! A bound is what was counted when it was written: whoever exceeds it has made every refresh more expensive, and whoever stays
//! below it may lower it.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::{hint::black_box, sync::Arc, time::Duration};

use auth_service::{
    crypto::refresh_tokens::RefreshTokens,
    domain::{
        ids::{SessionId, TokenId, UserId},
        session::{CurrentToken, Mode, PresentedToken, RevokedReason, Session, SessionState, decide_refresh},
    },
};
use common::{
    clock::Timestamp,
    rng::SystemRng,
    secret::{SecretSet, SigningSecret},
    testing::ManualClock,
};
use secrecy::ExposeSecret;

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
const HOLD: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_hours(24);

fn allocations<T>(work: impl FnOnce() -> T) -> u64 {
    allocation_counter::measure(|| drop(black_box(work()))).count_total
}

fn session() -> Session {
    Session {
        id: SessionId::new(NOW, &SystemRng),
        user: UserId::new(NOW, &SystemRng),
        epoch: 0,
        current: CurrentToken { id: TokenId::new(&SystemRng), generation: 3 },
        roles: vec!["admin".to_owned()],
        client_id: "first-party".to_owned(),
        mode: Mode::Bearer,
        scope: "notes:read notes:write".parse().unwrap(),
        created_at: NOW,
        authenticated_at: NOW,
        absolute_expiry: NOW + DAY,
        idle_expiry: NOW + DAY,
        last_seen: NOW,
        device: "Firefox on Linux".to_owned(),
        address: None,
        revoked: None,
        secrets: None,
    }
}

#[test]
fn a_decision_costs_nothing_whatever_it_is() {
    let Session { current, .. } = session();
    let other = TokenId::new(&SystemRng);
    let presented =
        |id, parent, generation, age: i64| PresentedToken { id, parent, generation, issued_at: NOW.seconds() - age };
    let tokens = [
        presented(current.id, None, current.generation, 60),
        presented(other, Some(current.id), current.generation + 1, 1),
        presented(other, Some(current.id), current.generation + 1, 60),
        presented(other, Some(other), current.generation + 9, 60),
        presented(other, None, 0, 60),
    ];
    let states = [
        SessionState::Alive(current),
        SessionState::Gone,
        SessionState::Revoked(RevokedReason::Reuse),
        SessionState::Revoked(RevokedReason::Logout),
    ];
    for state in states {
        for presented in &tokens {
            let counted = allocations(|| decide_refresh(state, presented, NOW, HOLD));
            assert_eq!(counted, 0, "{state:?} {presented:?}");
        }
    }
}

#[test]
fn reading_a_refresh_token_and_signing_the_next_cost_their_texts() {
    let secrets = SecretSet::only(SigningSecret::new("x".repeat(32).into()).unwrap());
    let tokens = RefreshTokens::new("http://localhost:8080", &secrets, Arc::new(ManualClock::at(NOW))).unwrap();
    let session = session();
    let [first, second] = [(); 2].map(|()| tokens.sign_child(&session, NOW, &SystemRng).unwrap());
    // The first one reads the header of all.
    tokens.verify(first.expose_secret()).unwrap();
    let read = allocations(|| tokens.verify(second.expose_secret()).unwrap());
    let signed = allocations(|| tokens.sign_child(&session, NOW, &SystemRng).unwrap());
    assert!(read <= READ, "{read}");
    assert!(signed <= SIGNED, "{signed}");
}

/// The texts of the claims, and the buffer that the parts are decoded into.
const READ: u64 = 6;

/// The claims as texts, as JSON and in base64url, the signature, and the token as it grows.
const SIGNED: u64 = 12;
