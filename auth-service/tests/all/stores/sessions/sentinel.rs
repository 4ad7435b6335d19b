//! A server that is found by asking a sentinel.

use std::time::{Duration, Instant};

use auth_service::{
    ports::{SessionStore, StoreError},
    storage::redis::RedisSessions,
};

use super::fixture::{DONE, NOW, new_session};
use crate::support::{
    redis::{PrivateRedis, PrivateSentinel},
    wait::{until, until_within},
};

/// Sentinels look at their servers every ten seconds.
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test]
async fn the_server_that_a_sentinel_names_is_used_and_no_other_name_is() {
    let server = PrivateRedis::start();
    let sentinel = PrivateSentinel::of(&server, "sessions");
    let store = RedisSessions::connect(&sentinel.url("sessions")).unwrap();
    let (session, begun) = (new_session(), Instant::now());
    // The sentinel may not have begun yet.
    while store.create(&session, NOW).await != Ok(DONE) {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    assert_eq!(server.sessions().find(session.user, session.id, NOW).await, Ok(Some(session)));
    let of_another_name = RedisSessions::connect(&sentinel.url("others")).unwrap();
    assert!(matches!(of_another_name.ping().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_the_new_server_is_used_and_knows_every_session() {
    let mut old = PrivateRedis::start_with(&["repl-diskless-sync-delay 0", "min-replicas-to-write 0"]);
    let new = PrivateRedis::replica_of(&old);
    let sentinel = PrivateSentinel::of(&old, "sessions");
    let store = RedisSessions::connect(&sentinel.url("sessions")).unwrap();
    let before = new_session();
    until("a session in the old server", async || store.create(&before, NOW).await == Ok(DONE)).await;
    let copy = new.sessions();
    until("it is in the new one", async || copy.find(before.user, before.id, NOW).await == Ok(Some(before.clone())))
        .await;
    // A sentinel looks for replicas every ten seconds, and chooses none that it has not seen.
    let mut connection = sentinel.connection();
    until_within(PATIENCE, "the sentinel knows the replica", async || {
        let known: redis::Value = redis::cmd("SENTINEL").arg(&["REPLICAS", "sessions"]).query(&mut connection).unwrap();
        matches!(known, redis::Value::Array(replicas) if !replicas.is_empty())
    })
    .await;

    old.kill();
    let after = new_session();
    until_within(PATIENCE, "a session in the new server", async || store.create(&after, NOW).await == Ok(DONE)).await;
    for session in [before, after] {
        assert_eq!(new.sessions().find(session.user, session.id, NOW).await, Ok(Some(session.clone())));
        assert_eq!(store.find(session.user, session.id, NOW).await, Ok(Some(session)));
    }
}
