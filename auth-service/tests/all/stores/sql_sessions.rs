//! What only the session store in SQL has: rows that are swept, rows that may be damaged, versions that may be
//! overtaken. Its contract stands in `sessions`.

use std::time::Duration;

use auth_service::{
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        ids::{SessionId, TokenId, UserId},
        session::{CurrentToken, Mode, PresentedToken, RefreshRules, Refusal, RevokedReason, Session},
    },
    ports::{Creation, RefreshOutcome, Rng, SessionStore, StoreError},
};
use common::clock::Timestamp;
use rstest::rstest;

use crate::support::database::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: Duration = Duration::from_hours(24);
const RULES: RefreshRules = RefreshRules { hold: Duration::from_mins(1), idle_ttl: Duration::from_hours(24 * 30) };

struct Random;

impl Rng for Random {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

fn session(user: UserId) -> Session {
    Session {
        id: SessionId::new(NOW, &Random),
        user,
        epoch: 0,
        current: CurrentToken { id: TokenId::new(&Random), generation: 0 },
        roles: vec!["admin".to_owned()],
        client_id: "first-party".to_owned(),
        mode: Mode::Bearer,
        scope: "notes:read".parse().unwrap(),
        created_at: NOW,
        authenticated_at: NOW,
        absolute_expiry: NOW + 90 * DAY,
        idle_expiry: NOW + 30 * DAY,
        last_seen: NOW,
        device: "Firefox on Linux".to_owned(),
        address: Some("2001:db8::1".parse().unwrap()),
        revoked: None,
    }
}

fn user() -> UserId {
    UserId::new(NOW, &Random)
}

/// The token that the login gave out.
fn first_token(session: &Session) -> PresentedToken {
    PresentedToken { id: session.current.id, parent: None, generation: 0, issued_at: NOW.seconds() }
}

#[rstest]
#[tokio::test]
async fn a_session_is_swept_within_a_day_of_its_expiry_and_not_before(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let (kept, idle) = (session(user()), Session { idle_expiry: NOW + DAY, ..session(user()) });
    let over = Session { absolute_expiry: NOW + DAY, ..session(user()) };
    for session in [&kept, &idle, &over] {
        assert_eq!(store.create(session, NOW).await, Ok(Creation::Done));
    }
    assert_eq!(store.sweep(NOW + DAY - Duration::from_micros(1), 100).await, Ok(0));
    assert_eq!(store.sweep(NOW + 2 * DAY, 100).await, Ok(2));
    assert_eq!(store.sweep(NOW + 2 * DAY, 100).await, Ok(0));
    assert_eq!(store.find(kept.user, kept.id, NOW).await.unwrap(), Some(kept));
}

#[rstest]
#[tokio::test]
async fn a_sweep_takes_no_more_than_it_may(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    for _ in 0..5 {
        store.create(&Session { idle_expiry: NOW + DAY, ..session(user()) }, NOW).await.unwrap();
    }
    let mut swept = Vec::new();
    for _ in 0..3 {
        swept.push(store.sweep(NOW + 2 * DAY, 2).await.unwrap());
    }
    assert_eq!(swept, [2, 2, 1]);
}

#[rstest]
#[tokio::test]
async fn a_refresh_puts_the_sweep_off(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let session = Session { idle_expiry: NOW + DAY, ..session(user()) };
    store.create(&session, NOW).await.unwrap();
    let refreshed = store.refresh(session.user, session.id, &first_token(&session), NOW, RULES).await.unwrap();
    assert!(matches!(refreshed, RefreshOutcome::Granted { .. }), "{refreshed:?}");
    assert_eq!(store.sweep(NOW + 20 * DAY, 100).await, Ok(0));
    assert_eq!(store.sweep(NOW + 32 * DAY, 100).await, Ok(1));
}

#[rstest]
#[tokio::test]
async fn a_session_that_reuse_ended_says_so_until_it_expires(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let session = session(user());
    store.create(&session, NOW).await.unwrap();
    assert_eq!(store.revoke(session.user, session.id, RevokedReason::Reuse, NOW).await, Ok(true));
    let later = NOW + 29 * DAY;
    assert_eq!(store.sweep(later, 100).await, Ok(0));
    let refused = store.refresh(session.user, session.id, &first_token(&session), later, RULES).await;
    assert_eq!(refused, Ok(RefreshOutcome::Refused(Refusal::TokenReused)));
}

#[rstest]
#[tokio::test]
async fn any_number_of_tabs_may_refresh_at_once(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let replicas = [database.sessions(), database.sessions()];
    let session = session(user());
    replicas[0].create(&session, NOW).await.unwrap();
    let tabs: Vec<_> = (0..20)
        .map(|number| {
            let (store, user, id, token) =
                (replicas[number % 2].clone(), session.user, session.id, first_token(&session));
            tokio::spawn(async move { store.refresh(user, id, &token, NOW, RULES).await })
        })
        .collect();
    for tab in tabs {
        let outcome = tab.await.unwrap().unwrap();
        assert!(matches!(outcome, RefreshOutcome::Granted { .. }), "{outcome:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_login_that_races_with_the_end_of_all_sessions_does_not_survive_it(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let replicas = [database.sessions(), database.sessions()];
    for round in 0..20 {
        let user = user();
        let end = Effect::EndSessions { reason: EndReason::PasswordChange, except: None };
        let effect = PendingEffect { id: round, user, epoch: 1, effect: end };
        let logins: Vec<_> = (0..4)
            .map(|number| {
                let (store, session) = (replicas[number % 2].clone(), session(user));
                tokio::spawn(async move { store.create(&session, NOW).await.unwrap() })
            })
            .collect();
        replicas[1].apply(&effect, NOW).await.unwrap();
        for login in logins {
            login.await.unwrap();
        }
        assert_eq!(replicas[0].list(user, NOW).await.unwrap(), [], "round {round}");
    }
}

#[rstest]
#[tokio::test]
async fn a_session_that_is_created_twice_is_one_and_keeps_what_happened_since(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let session = session(user());
    assert_eq!(store.create(&session, NOW).await, Ok(Creation::Done));
    assert_eq!(store.revoke(session.user, session.id, RevokedReason::Logout, NOW).await, Ok(true));
    assert_eq!(store.create(&session, NOW).await, Ok(Creation::Done));
    assert_eq!(store.find(session.user, session.id, NOW).await, Ok(None));
}

#[rstest]
#[case::mode("mode = 'cookies'", "mode")]
#[case::scope("scope = 'a  b'", "scope")]
#[case::roles("roles = '{}'", "roles")]
#[case::token("current_token = 'AAAAAAAAAAAAAAAAAAAAA='", "current_token")]
#[case::address("address = 'here'", "address")]
#[tokio::test]
async fn a_row_that_cannot_be_understood_is_named(
    #[case] damage: &str,
    #[case] column: &str,
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let session = session(user());
    store.create(&session, NOW).await.unwrap();
    database.execute(format!("UPDATE sessions SET {damage}")).await;
    let inconsistent = StoreError::Inconsistent(format!("sessions.{column} of {}", session.id));
    assert_eq!(store.find(session.user, session.id, NOW).await, Err(inconsistent.clone()));
    let refreshed = store.refresh(session.user, session.id, &first_token(&session), NOW, RULES).await;
    assert_eq!(refreshed, Err(inconsistent));
}

#[rstest]
#[tokio::test]
async fn an_unknown_reason_does_not_make_a_session_alive_again(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let session = session(user());
    store.create(&session, NOW).await.unwrap();
    database.execute("UPDATE sessions SET revoked_reason = 'whim'").await;
    let refreshed = store.refresh(session.user, session.id, &first_token(&session), NOW, RULES).await;
    assert_eq!(refreshed, Err(StoreError::Inconsistent(format!("sessions.revoked_reason of {}", session.id))));
    assert_eq!(store.find(session.user, session.id, NOW).await, Ok(None));
}
