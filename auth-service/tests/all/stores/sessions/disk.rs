//! Revocations wait for the disk of Redis, where Redis can say when it has written: from 7.2 on.

use auth_service::{
    domain::session::RevokedReason,
    ports::{RevocationLog, SessionStore, StoreError},
};
use redis::Connection;

use super::fixture::{DONE, NOW, known_session_of, new_secret, new_session, session_of};
use crate::support::redis::PrivateRedis;

fn can_wait(connection: &mut Connection) -> bool {
    let info: String = redis::cmd("INFO").arg("server").query(connection).unwrap();
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap();
    let mut parts = version.trim().split('.').map(|part| part.parse::<u32>().unwrap());
    (parts.next(), parts.next()) >= (Some(7), Some(2))
}

fn late<T>(can_wait: bool, result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_))) == can_wait
}

#[tokio::test]
async fn what_never_reaches_the_disk_is_not_said_to_be_done_unless_nobody_can_know() {
    // It leaves the writing to the system and knows nothing of it.
    let server = PrivateRedis::start_with(&["appendfsync no"]);
    let (store, mut connection) = (server.sessions(), server.connection());
    let can_wait = can_wait(&mut connection);
    let session = new_session();
    assert_eq!(store.create(&session, NOW).await, Ok(DONE), "a login does not wait");
    let revoke = || store.revoke(session.user, session.id, RevokedReason::Logout, NOW);
    assert!(late(can_wait, &revoke().await));
    assert_eq!(store.find(session.user, session.id, NOW).await, Ok(None), "it holds from the start");
    assert!(late(can_wait, &revoke().await), "asked again, it waits again");
    assert!(late(can_wait, &store.log().append(Vec::new(), None, NOW).await));

    let (known, secret) = known_session_of(session.user);
    assert_eq!(store.create(&known, NOW).await, Ok(DONE));
    let renewed = store.renew_secret(known.user, known.id, &secret, &new_secret(), NOW).await;
    assert!(late(can_wait, &renewed), "the old one would come back");

    let store = store.with_durable_logins(true);
    let another = session_of(session.user);
    assert!(late(can_wait, &store.create(&another, NOW).await));

    redis::cmd("CONFIG").arg(&["SET", "appendfsync", "always"]).exec(&mut connection).unwrap();
    assert_eq!(store.create(&session_of(session.user), NOW).await, Ok(DONE));
    assert_eq!(store.revoke(session.user, another.id, RevokedReason::Logout, NOW).await, Ok(true));
}

#[tokio::test]
async fn many_share_a_wait() {
    let server = PrivateRedis::start_with(&["appendfsync everysec"]);
    let store = server.sessions();
    let session = new_session();
    let sessions: Vec<_> = (0..40).map(|_| session_of(session.user)).collect();
    for session in &sessions {
        store.create(session, NOW).await.unwrap();
    }
    let store = std::sync::Arc::new(store);
    let mut revocations = tokio::task::JoinSet::new();
    for session in sessions {
        let store = std::sync::Arc::clone(&store);
        revocations.spawn(async move { store.revoke(session.user, session.id, RevokedReason::Logout, NOW).await });
    }
    // One after the other they would take longer than any of them may.
    assert!(revocations.join_all().await.into_iter().all(|revoked| revoked == Ok(true)));
}
