//! How many sessions a user may have.

use std::{collections::BTreeSet, sync::Arc};

use auth_service::{
    domain::{
        ids::UserId,
        session::{MOST_SESSIONS, Mode, Refusal, Session},
    },
    ports::{Creation, RefreshOutcome},
};
use rstest::rstest;
use tokio::task::JoinSet;

use super::fixture::{
    DAY, DONE, NOW, Replicas, SECOND,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    first_token, new_user, session_of,
};

/// As many as there may be, the oldest first.
async fn full(replicas: &Replicas, user: UserId, mode: Mode) -> Vec<Session> {
    let mut sessions = Vec::new();
    for age in (1..=u32::try_from(MOST_SESSIONS).unwrap()).rev() {
        let session = Session { mode, created_at: NOW - age * SECOND, ..session_of(user) };
        replicas.create(&session).await;
        sessions.push(session);
    }
    sessions
}

#[rstest]
#[tokio::test]
async fn with_one_more_the_oldest_of_its_kind_ends(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, user) = (Replicas::of(store), new_user());
    let refreshed = full(&replicas, user, Mode::Bearer).await;
    let access_only = full(&replicas, user, Mode::AccessOnly).await;
    for (mode, of_kind) in [(Mode::Bearer, &refreshed), (Mode::AccessOnly, &access_only)] {
        let oldest = &of_kind[0];
        assert_eq!(replicas.find(oldest, NOW).await.as_ref(), Some(oldest), "the other kind does not count");
        let new = Session { mode, ..session_of(user) };
        let created = replicas.store().create(&new, NOW).await;
        assert_eq!(created, Ok(Creation::Done { ended: vec![oldest.id] }));
        assert_eq!(replicas.find(oldest, NOW).await, None);
        let refused = replicas.refresh(oldest, &first_token(oldest), NOW).await;
        assert_eq!(refused, RefreshOutcome::Refused(Refusal::LoginRequired));
        assert_eq!(replicas.find(&of_kind[1], NOW).await.as_ref(), Some(&of_kind[1]));
        assert_eq!(replicas.store().create(&new, NOW).await, Ok(DONE), "done already");
    }
    assert_eq!(replicas.store().list(user, NOW).await.unwrap().len(), 2 * MOST_SESSIONS);
}

#[rstest]
#[tokio::test]
async fn what_is_over_makes_room(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, user) = (Replicas::of(store), new_user());
    for _ in 0..MOST_SESSIONS {
        replicas.create(&Session { idle_expiry: NOW + DAY, ..session_of(user) }).await;
    }
    assert_eq!(replicas.store().create(&session_of(user), NOW + DAY).await, Ok(DONE));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logins_at_once_do_not_get_past_the_bound(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    const LOGINS: usize = 8;
    let (replicas, user) = (Replicas::of(store), new_user());
    let before = full(&replicas, user, Mode::Bearer).await;
    let mut logins = JoinSet::new();
    for number in 0..LOGINS {
        let (store, session) = (Arc::clone(&replicas.stores[number % 2]), session_of(user));
        logins.spawn(async move { store.create(&session, NOW).await.unwrap() });
    }
    let mut ended = BTreeSet::new();
    for created in logins.join_all().await {
        let Creation::Done { ended: some } = created else { panic!("no effect was applied") };
        for session in some {
            assert!(ended.insert(session), "ended twice");
        }
    }
    assert_eq!(ended, before[..LOGINS].iter().map(|session| session.id).collect());
    assert_eq!(replicas.store().list(user, NOW).await.unwrap().len(), MOST_SESSIONS);
}
