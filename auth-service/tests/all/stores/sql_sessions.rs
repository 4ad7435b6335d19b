//! What only the session store in SQL has: rows that are swept, rows that may be damaged, versions that may be
//! overtaken. Its contract stands in `sessions`.

use std::time::{Duration, Instant};

use auth_service::{
    background,
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        ids::{SessionId, TokenId, UserId},
        session::{CurrentToken, Mode, PresentedToken, RefreshRules, Refusal, RevokedReason, Session},
        session_secret::{SecretHash, SessionSecrets},
    },
    ports::{Creation, RefreshOutcome, Rng, SessionStore, StoreError},
};
use common::clock::Timestamp;
use diesel::RunQueryDsl;
use rstest::rstest;
use tokio::time::interval;

use crate::support::database::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: Duration = Duration::from_hours(24);
const RULES: RefreshRules = RefreshRules { hold: Duration::from_mins(1), idle_ttl: Duration::from_hours(24 * 30) };

const DONE: Creation = Creation::Done { ended: Vec::new() };

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
        secrets: None,
    }
}

/// A session of mode `session`, and the secret that its login gave out.
fn known_session() -> (Session, SecretHash) {
    let secret = SecretHash::of(&[1; 32]);
    let secrets = Some(SessionSecrets::first(secret));
    (Session { mode: Mode::Session, secrets, ..session(user()) }, secret)
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
        assert_eq!(store.create(session, NOW).await, Ok(DONE));
    }
    assert_eq!(store.sweep(NOW + DAY - Duration::from_micros(1), 100).await, Ok(0));
    assert_eq!(store.sweep(NOW + 2 * DAY, 100).await, Ok(2));
    assert_eq!(store.sweep(NOW + 2 * DAY, 100).await, Ok(0));
    assert_eq!(store.find(kept.user, kept.id, NOW).await.unwrap(), Some(kept));
}

#[rstest]
#[tokio::test]
async fn of_a_deleted_user_the_sessions_go_at_once_and_the_epoch_later(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let (gone, here) = (session(user()), session(user()));
    for session in [&gone, &here] {
        assert_eq!(store.create(session, NOW).await, Ok(DONE));
    }
    let went = format!("INSERT INTO deleted_users VALUES (1, '{}', {})", gone.user, NOW.micros());
    database.execute(&went).await;
    let end = Effect::EndSessions { reason: EndReason::UserDeleted, except: None };
    let effect = PendingEffect { id: 1, user: gone.user, epoch: 1, effect: end };
    store.apply(&effect, NOW).await.unwrap();
    let under_way = Session { id: SessionId::new(NOW, &Random), ..gone.clone() };
    let later = NOW + Duration::from_hours(1) + Duration::from_micros(1);
    assert_eq!(store.sweep(NOW + 91 * DAY, 2).await, Ok(1), "nothing is left of who is gone");
    assert_eq!(store.sweep_epochs(NOW + Duration::from_hours(1), 100).await, Ok(0), "a login may be under way");
    assert_eq!(store.create(&under_way, NOW).await, Ok(Creation::StaleEpoch));
    assert_eq!(store.sweep_epochs(later, 100).await, Ok(1), "nobody else's");
    assert_eq!(store.sweep_epochs(later, 100).await, Ok(0));
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
async fn a_visit_that_is_noted_puts_the_sweep_off(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let (known, secret) = known_session();
    let session = Session { idle_expiry: NOW + DAY, ..known };
    store.create(&session, NOW).await.unwrap();
    let later = NOW + Duration::from_hours(1);
    assert!(store.visit(session.user, session.id, &secret, later, 20 * DAY).await.unwrap().is_some());
    assert_eq!(store.sweep(NOW + 20 * DAY, 100).await, Ok(0));
    assert_eq!(store.sweep(NOW + 22 * DAY, 100).await, Ok(1));
}

#[rstest]
#[tokio::test]
async fn a_visit_is_only_a_read_until_it_is_to_be_noted(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let (session, secret) = known_session();
    store.create(&session, NOW).await.unwrap();
    let forbidden = match kind {
        Sqlite => {
            "CREATE TRIGGER forbidden BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'not to be written'); END"
        }
        Postgres => "CREATE RULE forbidden AS ON UPDATE TO sessions DO INSTEAD SELECT 1 / 0",
    };
    database.execute(forbidden).await;
    let visit = |after| store.visit(session.user, session.id, &secret, NOW + after, 30 * DAY);
    assert_eq!(visit(Duration::from_secs(59)).await, Ok(Some(session.clone())));
    assert!(visit(Duration::from_mins(1)).await.is_err());
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
    assert_eq!(store.create(&session, NOW).await, Ok(DONE));
    assert_eq!(store.revoke(session.user, session.id, RevokedReason::Logout, NOW).await, Ok(true));
    assert_eq!(store.create(&session, NOW).await, Ok(DONE));
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
#[case::none("secret = NULL")]
#[case::in_another_mode("mode = 'cookie'")]
#[tokio::test]
async fn a_session_has_secrets_exactly_where_its_mode_says_so(
    #[case] damage: &str,
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let (session, secret) = known_session();
    store.create(&session, NOW).await.unwrap();
    database.execute(format!("UPDATE sessions SET {damage}")).await;
    let inconsistent = StoreError::Inconsistent(format!("sessions.secret of {}", session.id));
    let (user, id) = (session.user, session.id);
    assert_eq!(store.find(user, id, NOW).await, Err(inconsistent.clone()));
    assert_eq!(store.visit(user, id, &secret, NOW, 30 * DAY).await, Err(inconsistent.clone()));
    assert_eq!(store.renew_secret(user, id, &secret, &SecretHash::of(&[2; 32]), NOW).await, Err(inconsistent));
}

#[rstest]
#[tokio::test]
async fn the_database_takes_no_secret_of_another_size(
    #[values("secret = '123'", "previous_secret = '123'", "secret = NULL, previous_secret = secret")] damage: &str,
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let database = TestDatabase::migrated(kind);
    let store = database.sessions();
    let (session, _) = known_session();
    store.create(&session, NOW).await.unwrap();
    let sql = database.sql();
    let statement = format!("UPDATE sessions SET {damage}");
    let damaged = sql.write(move |connection| Ok(diesel::sql_query(&statement).execute(connection)?)).await;
    assert!(damaged.is_err());
    assert_eq!(store.find(session.user, session.id, NOW).await, Ok(Some(session)));
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
    let inconsistent = Err(StoreError::Inconsistent(format!("sessions.revoked_reason of {}", session.id)));
    assert_eq!(store.find(session.user, session.id, NOW).await, inconsistent);
    assert_eq!(store.list(session.user, NOW).await, Ok(Vec::new()));
}

/// Rows as a store has them that nobody has swept for long.
fn expired(first: usize, last: usize) -> String {
    format!(
        "INSERT INTO sessions (id, user_id, epoch, version, current_token, generation, roles, client_id, mode, scope, \
         created_at, authenticated_at, absolute_expires_at, idle_expires_at, last_seen_at, device, delete_after) \
         WITH RECURSIVE numbers (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) \
         SELECT substr('00000000-0000-7000-8000-000000000000', 1, 36 - length(CAST(n AS TEXT))) || CAST(n AS TEXT), \
         '00000000-0000-7000-8000-000000000000', 0, 0, 'AAAAAAAAAAAAAAAAAAAAAA', 0, '[]', 'first-party', 'bearer', \
         '', 0, 0, 1, 1, 0, '', 1 FROM numbers"
    )
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_expired_sessions_are_swept_while_nobody_waits_to_log_in(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    const ROWS: usize = 100_000;
    let database = TestDatabase::migrated(kind);
    for first in (0..ROWS).step_by(5_000) {
        database.execute(expired(first, first + 4_999)).await;
    }
    // Two replicas: one sweeps, at the other users log in.
    let clock = std::sync::Arc::new(common::testing::ManualClock::at(NOW));
    let sweeping = tokio::spawn(background::sweep_sessions(database.sessions(), database.throttle(), clock));
    let store = database.sessions();
    let (mut logins, mut slowest) = (0_u32, Duration::ZERO);
    let mut arrivals = interval(Duration::from_millis(10));
    loop {
        arrivals.tick().await;
        let begun = Instant::now();
        assert_eq!(store.create(&session(user()), NOW).await, Ok(DONE));
        slowest = slowest.max(begun.elapsed());
        logins += 1;
        if logins % 50 == 0 && database.count("sessions WHERE delete_after = 1").await == 0 {
            break;
        }
    }
    sweeping.abort();
    println!("{kind:?}: {ROWS} rows swept; {logins} logins meanwhile, the slowest in {slowest:?}");
    assert!(slowest < Duration::from_millis(700), "{slowest:?}");
}

#[rstest]
#[tokio::test]
async fn an_invitation_goes_when_it_has_expired(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let invitation = "INSERT INTO invites (code, created_at, expires_at, used_at, used_by) VALUES";
    let code = |letter: &str| letter.repeat(43);
    database.execute(format!("{invitation} ('{}', 0, 10, NULL, NULL)", code("a"))).await;
    database.execute(format!("{invitation} ('{}', 0, 10, 5, 'somebody')", code("b"))).await;
    database.execute(format!("{invitation} ('{}', 0, 11, NULL, NULL)", code("c"))).await;
    let users = database.users();
    assert_eq!(users.sweep_invites(Timestamp::from_micros(9), 10).await, Ok(0));
    assert_eq!(users.sweep_invites(Timestamp::from_micros(10), 1).await, Ok(1));
    assert_eq!(users.sweep_invites(Timestamp::from_micros(10), 10).await, Ok(1));
    assert_eq!(database.count("invites").await, 1);
}
