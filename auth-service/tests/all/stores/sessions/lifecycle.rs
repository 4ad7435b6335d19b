//! Beginning, being seen, and ending one at a time.

use auth_service::domain::session::{Mode, RevokedReason, Session};
use common::scope::Scope;
use rstest::rstest;

use super::fixture::{
    DAY, DONE, MICROSECOND, NOW, Replicas, SECOND,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    new_session, new_user, session_of,
};

#[rstest]
#[tokio::test]
async fn a_session_is_found_as_it_was_stored(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let replicas = Replicas::of(store);
    let least = Session {
        roles: Vec::new(),
        scope: Scope::default(),
        mode: Mode::AccessOnly,
        device: String::new(),
        address: None,
        ..new_session()
    };
    for session in [new_session(), least] {
        replicas.create(&session).await;
        assert_eq!(replicas.find(&session, NOW).await, Some(session));
    }
}

#[rstest]
#[tokio::test]
async fn texts_may_hold_anything(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let replicas = Replicas::of(store);
    let device = "a \"quoted\" \\ ünïcode\r\n* {device} 🦀".to_owned();
    let session = Session { device, client_id: "false".to_owned(), ..new_session() };
    replicas.create(&session).await;
    assert_eq!(replicas.find(&session, NOW).await, Some(session));
}

#[rstest]
#[tokio::test]
async fn a_session_belongs_to_its_user_alone(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let (store, stranger) = (replicas.store(), new_user());
    assert_eq!(store.find(stranger, session.id, NOW).await, Ok(None));
    assert_eq!(store.list(stranger, NOW).await, Ok(Vec::new()));
    assert_eq!(store.reauthenticated(stranger, session.id, NOW).await, Ok(false));
    assert_eq!(store.revoke(stranger, session.id, RevokedReason::Logout, NOW).await, Ok(false));
    assert_eq!(replicas.find(&session, NOW).await, Some(session));
}

#[rstest]
#[tokio::test]
async fn a_session_ends_at_its_absolute_expiry_or_its_idle_expiry(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for (absolute, idle) in [(DAY, 2 * DAY), (2 * DAY, DAY)] {
        let session = Session { absolute_expiry: NOW + absolute, idle_expiry: NOW + idle, ..new_session() };
        replicas.create(&session).await;
        let (user, id, store) = (session.user, session.id, replicas.store());
        assert_eq!(replicas.find(&session, NOW + DAY - MICROSECOND).await, Some(session.clone()));
        assert_eq!(replicas.find(&session, NOW + DAY).await, None);
        assert_eq!(store.list(user, NOW + DAY).await, Ok(Vec::new()));
        assert_eq!(store.reauthenticated(user, id, NOW + DAY).await, Ok(false));
        assert_eq!(store.revoke(user, id, RevokedReason::Logout, NOW + DAY).await, Ok(false));
    }
}

#[rstest]
#[tokio::test]
async fn the_newest_session_comes_first_in_the_list(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, user) = (Replicas::of(store), new_user());
    let mut sessions = Vec::new();
    for age in [3, 1, 2] {
        let session = Session { created_at: NOW - age * SECOND, ..session_of(user) };
        replicas.create(&session).await;
        sessions.push(session);
    }
    sessions.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    assert_eq!(replicas.store().list(user, NOW).await, Ok(sessions));
}

#[rstest]
#[tokio::test]
async fn of_sessions_of_one_instant_the_greater_name_comes_first(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, user) = (Replicas::of(store), new_user());
    let mut names = Vec::new();
    for _ in 0..5 {
        let session = session_of(user);
        replicas.create(&session).await;
        names.push(session.id);
    }
    names.sort();
    names.reverse();
    let listed = replicas.store().list(user, NOW).await.unwrap();
    assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), names);
}

#[rstest]
#[tokio::test]
async fn a_revoked_session_is_revoked_once_and_seen_no_more(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let other = session_of(session.user);
    replicas.create(&other).await;
    let (user, id, store) = (session.user, session.id, replicas.store());
    assert_eq!(store.revoke(user, id, RevokedReason::Logout, NOW).await, Ok(true));
    assert_eq!(store.revoke(user, id, RevokedReason::Logout, NOW).await, Ok(false));
    assert_eq!(store.reauthenticated(user, id, NOW).await, Ok(false));
    assert_eq!(replicas.find(&session, NOW).await, None);
    assert_eq!(store.list(user, NOW).await, Ok(vec![other]));
}

#[rstest]
#[tokio::test]
async fn giving_the_password_again_moves_nothing_else(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let later = NOW + DAY;
    assert_eq!(replicas.store().reauthenticated(session.user, session.id, later).await, Ok(true));
    assert_eq!(replicas.find(&session, later).await, Some(Session { authenticated_at: later, ..session }));
}

#[rstest]
#[tokio::test]
async fn storing_a_session_again_changes_nothing(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let store = replicas.store();
    store.reauthenticated(session.user, session.id, NOW + SECOND).await.unwrap();
    assert_eq!(store.create(&session, NOW).await, Ok(DONE));
    let noted = Session { authenticated_at: NOW + SECOND, ..session.clone() };
    assert_eq!(store.list(session.user, NOW).await, Ok(vec![noted]));
    store.revoke(session.user, session.id, RevokedReason::Logout, NOW).await.unwrap();
    assert_eq!(store.create(&session, NOW).await, Ok(DONE));
    assert_eq!(replicas.find(&session, NOW).await, None);
    assert_eq!(store.list(session.user, NOW).await, Ok(Vec::new()));
}

#[rstest]
#[tokio::test]
async fn a_store_that_is_there_says_so(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    assert_eq!(Replicas::of(store).store().ping().await, Ok(()));
}
