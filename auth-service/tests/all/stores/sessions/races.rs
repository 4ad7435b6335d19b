//! Real races between replicas: what comes out is what some order of the requests would have given.

use std::sync::Arc;

use auth_service::{
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        session::{CurrentToken, PresentedToken, Refusal, RevokedReason, Rotation, Session},
    },
    ports::RefreshOutcome,
};
use rstest::rstest;
use tokio::{sync::Barrier, task::JoinSet};

use super::fixture::{
    DAY, NOW, RULES, Replicas, SECOND,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    as_current, child_of, first_token, new_session, session_of,
};

const ROUNDS: usize = 8;
const LATER: common::clock::Timestamp = common::clock::Timestamp::from_seconds(1_800_000_061);

/// Presents each of the tokens from a task of its own, by turns to both replicas, all at once.
async fn at_once(replicas: &Replicas, session: &Session, tokens: &[PresentedToken]) -> Vec<RefreshOutcome> {
    let start = Arc::new(Barrier::new(tokens.len()));
    let mut tasks = JoinSet::new();
    for (number, token) in tokens.iter().copied().enumerate() {
        let (store, start) = (Arc::clone(&replicas.stores[number % 2]), Arc::clone(&start));
        let (user, id) = (session.user, session.id);
        tasks.spawn(async move {
            start.wait().await;
            store.refresh(user, id, &token, LATER, RULES).await.unwrap()
        });
    }
    tasks.join_all().await
}

fn granted_under(outcomes: &[RefreshOutcome]) -> Vec<CurrentToken> {
    let current = |outcome: &RefreshOutcome| match outcome {
        RefreshOutcome::Granted { session, rotation: Rotation::Child, rolled_back: false } => Some(session.current),
        _ => None,
    };
    outcomes.iter().filter_map(current).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tabs_that_promote_the_same_token_all_get_a_child_of_it(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let session = new_session();
        replicas.create(&session).await;
        let child = child_of(session.current, NOW);
        let outcomes = at_once(&replicas, &session, &[child; 16]).await;
        assert_eq!(granted_under(&outcomes), [as_current(&child); 16]);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn siblings_that_are_promoted_at_once_end_the_session_once(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let session = new_session();
        replicas.create(&session).await;
        let siblings = [child_of(session.current, NOW), child_of(session.current, NOW)];
        let tokens: Vec<_> = siblings.into_iter().cycle().take(16).collect();
        let outcomes = at_once(&replicas, &session, &tokens).await;

        let granted = granted_under(&outcomes);
        let winner = *granted.first().expect("the first of all is granted");
        assert!(siblings.iter().any(|sibling| as_current(sibling) == winner));
        assert!(granted.iter().all(|current| *current == winner), "only one sibling is promoted: {granted:?}");
        let ended: Vec<_> = outcomes
            .iter()
            .filter_map(|o| if let RefreshOutcome::Reuse(as_it_was) = o { Some(as_it_was) } else { None })
            .collect();
        assert_eq!(ended.len(), 1, "{outcomes:?}");
        assert_eq!(ended[0].current, winner);
        let told = outcomes.iter().filter(|o| **o == RefreshOutcome::Refused(Refusal::TokenReused)).count();
        assert_eq!(granted.len() + 1 + told, 16, "{outcomes:?}");
        assert_eq!(replicas.find(&session, LATER).await, None);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_parent_and_its_child_at_once_end_as_some_order_of_them_does(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let session = new_session();
        replicas.create(&session).await;
        let (parent, child) = (first_token(&session), child_of(session.current, NOW));
        let tokens: Vec<_> = [parent, child].into_iter().cycle().take(8).collect();
        let outcomes = at_once(&replicas, &session, &tokens).await;
        // The parent is as good as ever until the child is promoted; after that it is reuse, once.
        let granted = granted_under(&outcomes);
        let reuses = outcomes.iter().filter(|o| matches!(o, RefreshOutcome::Reuse(_))).count();
        let told = outcomes.iter().filter(|o| **o == RefreshOutcome::Refused(Refusal::TokenReused)).count();
        assert_eq!(granted.len() + reuses + told, 8, "{outcomes:?}");
        let parents = granted.iter().filter(|current| **current == session.current).count();
        assert_eq!(reuses, usize::from(parents < 4), "{outcomes:?}");
        assert_eq!(replicas.find(&session, LATER).await.is_none(), reuses == 1);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_logouts_at_once_one_ends_the_session_and_no_refresh_brings_it_back(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let session = new_session();
        replicas.create(&session).await;
        let start = Arc::new(Barrier::new(16));
        let (mut logouts, mut refreshes) = (JoinSet::new(), JoinSet::new());
        for number in 0..8 {
            let (user, id, token) = (session.user, session.id, first_token(&session));
            let (store, begin) = (Arc::clone(&replicas.stores[number % 2]), Arc::clone(&start));
            logouts.spawn(async move {
                begin.wait().await;
                store.revoke(user, id, RevokedReason::Logout, LATER).await.unwrap()
            });
            let (store, begin) = (Arc::clone(&replicas.stores[number % 2]), Arc::clone(&start));
            refreshes.spawn(async move {
                begin.wait().await;
                store.refresh(user, id, &token, LATER, RULES).await.unwrap()
            });
        }
        assert_eq!(logouts.join_all().await.into_iter().filter(|ended| *ended).count(), 1);
        for outcome in refreshes.join_all().await {
            let refused = outcome == RefreshOutcome::Refused(Refusal::LoginRequired);
            assert!(refused || matches!(outcome, RefreshOutcome::Granted { .. }), "{outcome:?}");
        }
        assert_eq!(replicas.find(&session, LATER).await, None);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_roles_and_the_password_survive_refreshes_at_the_same_time(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for _ in 0..ROUNDS {
        let session = new_session();
        replicas.create(&session).await;
        let effect = Effect::SetRoles { roles: vec!["auditor".to_owned()] };
        let effect = PendingEffect { id: 1, user: session.user, epoch: 1, effect };
        let child = child_of(session.current, NOW);
        let tokens = [child; 6];
        let (applied, noted, outcomes) = tokio::join!(
            replicas.stores[0].apply(&effect, LATER),
            replicas.stores[1].reauthenticated(session.user, session.id, LATER + SECOND),
            at_once(&replicas, &session, &tokens),
        );
        assert_eq!((applied, noted), (Ok(()), Ok(true)));
        assert_eq!(granted_under(&outcomes), [as_current(&child); 6]);
        let after = Session {
            epoch: 1,
            roles: vec!["auditor".to_owned()],
            current: as_current(&child),
            authenticated_at: LATER + SECOND,
            last_seen: LATER,
            idle_expiry: LATER + RULES.idle_ttl,
            ..session.clone()
        };
        assert_eq!(replicas.find(&session, LATER).await, Some(after));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logins_that_race_with_the_end_of_all_sessions_do_not_survive_it() {
    let replicas = Replicas::of(Redis);
    for round in 0..ROUNDS {
        let user = new_session().user;
        let mut logins = JoinSet::new();
        for number in 0..8 {
            let (store, session) = (Arc::clone(&replicas.stores[number % 2]), session_of(user));
            logins.spawn(async move { store.create(&session, NOW).await.unwrap() });
        }
        let effect = Effect::EndSessions { reason: EndReason::PasswordChange, except: None };
        replicas.stores[1].apply(&PendingEffect { id: 1, user, epoch: 1, effect }, NOW).await.unwrap();
        logins.join_all().await;
        assert_eq!(replicas.store().list(user, NOW + DAY).await, Ok(Vec::new()), "round {round}");
    }
}
