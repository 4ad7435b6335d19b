//! A server that is found by asking a sentinel.

use std::time::{Duration, Instant};

use auth_service::{
    ports::{SessionStore, StoreError},
    storage::redis::RedisSessions,
};

use super::fixture::{DONE, NOW, new_session};
use crate::support::redis::{PrivateRedis, PrivateSentinel};

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
