//! Real races between replicas: what comes out is what some order of the requests would have given.

use std::sync::Arc;

use auth_service::domain::{
    session::{RevokedReason, Session},
    session_secret::SecretHash,
};
use common::clock::Timestamp;
use rstest::rstest;
use tokio::{sync::Barrier, task::JoinSet};

use super::super::fixture::{
    NOW, RULES, Replicas,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    known_by, new_known_session, new_secret, noted,
};

const ROUNDS: usize = 8;

/// A visit is to be noted by then.
const LATER: Timestamp = Timestamp::from_seconds(1_800_000_061);

#[derive(Clone, Copy)]
enum Request {
    Visit(SecretHash),
    Renew { presented: SecretHash, new: SecretHash },
    Revoke,
}

/// Makes each request from a task of its own, by turns to both replicas, all at once. Tells which were granted.
async fn at_once(replicas: &Replicas, session: &Session, requests: &[Request]) -> Vec<bool> {
    let start = Arc::new(Barrier::new(requests.len()));
    let mut tasks = JoinSet::new();
    for (number, request) in requests.iter().copied().enumerate() {
        let (store, start) = (Arc::clone(&replicas.stores[number % 2]), Arc::clone(&start));
        let (user, id) = (session.user, session.id);
        tasks.spawn(async move {
            start.wait().await;
            let granted = match request {
                Request::Visit(secret) => {
                    store.visit(user, id, &secret, LATER, RULES.idle_ttl).await.unwrap().is_some()
                }
                Request::Renew { presented, new } => {
                    store.renew_secret(user, id, &presented, &new, LATER).await.unwrap()
                }
                Request::Revoke => store.revoke(user, id, RevokedReason::Logout, LATER).await.unwrap(),
            };
            (number, granted)
        });
    }
    let mut granted = tasks.join_all().await;
    granted.sort_unstable();
    granted.into_iter().map(|(_, granted)| granted).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn visits_and_a_renewal_at_once_all_succeed_and_none_undoes_another(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let ((session, first), second) = (new_known_session(), new_secret());
        replicas.create(&session).await;
        let visit = Request::Visit(first);
        let requests = [visit, visit, Request::Renew { presented: first, new: second }, visit, visit, visit];
        assert_eq!(at_once(&replicas, &session, &requests).await, [true; 6]);
        let after = noted(&known_by(&session, second, Some(first)), LATER);
        assert_eq!(replicas.find(&session, LATER).await, Some(after));
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn once_the_new_secret_is_seen_the_previous_one_never_comes_back(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let ((session, first), second) = (new_known_session(), new_secret());
        replicas.create(&session).await;
        assert!(replicas.renew(&session, &first, &second, NOW).await);
        let requests = [Request::Visit(first), Request::Visit(second)].repeat(8);
        let granted = at_once(&replicas, &session, &requests).await;
        assert!(granted.chunks(2).all(|pair| pair[1]), "{granted:?}");
        assert_eq!(replicas.visit(&session, &first, LATER).await, None);
        assert_eq!(replicas.find(&session, LATER).await, Some(noted(&known_by(&session, second, None), LATER)));
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_renewals_at_once_one_is_current_and_what_asked_for_them_is_good(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let ((session, first), new) = (new_known_session(), [new_secret(), new_secret(), new_secret()]);
        replicas.create(&session).await;
        let requests = new.map(|new| Request::Renew { presented: first, new });
        assert_eq!(at_once(&replicas, &session, &requests).await, [true; 3]);
        let secrets = replicas.find(&session, LATER).await.unwrap().secrets.unwrap();
        assert_eq!(secrets.previous, Some(first));
        assert_eq!(new.iter().filter(|new| **new == secrets.current).count(), 1);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_visit_or_renewal_undoes_a_logout_at_the_same_time(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let ((session, first), second) = (new_known_session(), new_secret());
        replicas.create(&session).await;
        let visit = Request::Visit(first);
        let renew = Request::Renew { presented: first, new: second };
        let granted = at_once(&replicas, &session, &[visit, visit, renew, Request::Revoke, visit, visit]).await;
        assert!(granted[3], "{granted:?}");
        assert_eq!(replicas.find(&session, LATER).await, None);
        for secret in [first, second] {
            assert_eq!(replicas.visit(&session, &secret, LATER).await, None);
        }
    }
}
