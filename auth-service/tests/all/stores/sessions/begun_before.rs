//! Ending all sessions from before an instant.

use auth_service::{
    domain::session::{RevokedReason, Session},
    service::end_sessions_before::end_sessions_before,
};
use rstest::rstest;

use super::fixture::{
    DAY, MICROSECOND, NOW, Replicas, SECOND,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    new_session,
};

#[rstest]
#[tokio::test]
async fn every_session_from_before_an_instant_ends_and_no_other(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    // Long ago, since the shared server holds sessions of other tests.
    let instant = NOW - 10_000 * DAY;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for number in 0..30 {
        let old = Session { created_at: instant - MICROSECOND - number * SECOND, ..new_session() };
        let new = Session { created_at: instant + number * SECOND, ..new_session() };
        replicas.create(&old).await;
        replicas.create(&new).await;
        before.push(old);
        after.push(new);
    }
    let over = &before[0];
    replicas.store().revoke(over.user, over.id, RevokedReason::Logout, NOW).await.unwrap();

    let ended = end_sessions_before(&*replicas.stores[1], instant, NOW).await;
    assert_eq!(ended, Ok(before.len() - 1));
    for session in &before {
        assert_eq!(replicas.find(session, NOW).await, None);
    }
    for session in after {
        assert_eq!(replicas.find(&session, NOW).await, Some(session));
    }
    assert_eq!(end_sessions_before(replicas.store(), instant, NOW).await, Ok(0));
}
