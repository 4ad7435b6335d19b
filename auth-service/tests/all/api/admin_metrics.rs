//! `GET /admin/metrics`

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::service::{Backend::Sqlite, Person, TestService};

async fn read(service: &TestService, token: &str) -> Value {
    let answer = service.get_as(token, "/admin/metrics").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer}");
    answer.json()
}

#[tokio::test]
async fn they_are_what_the_replica_has_counted_since_its_start() {
    let service = TestService::start(Sqlite).await;
    let (root, tokens) = service.administrator().await;
    let before = read(&service, &tokens.access).await;
    service.clock.advance(Duration::from_secs(3));
    let wrong = Person { password: "a-wrong-password".to_owned(), ..root.clone() };
    service.try_log_in(&wrong, json!(null)).await;
    service.log_in(&root).await;
    service.refresh(&tokens.refresh).await;
    service.refresh("no token").await;
    let after = read(&service, &tokens.access).await;

    let rose = |group: &str, name: &str| after[group][name].as_u64().unwrap() - before[group][name].as_u64().unwrap();
    assert_eq!((rose("logins", "ok"), rose("logins", "invalid_credentials"), rose("logins", "busy")), (1, 1, 0));
    assert_eq!((rose("refreshes", "rotated"), rose("refreshes", "invalid_token")), (1, 1));
    // Two that went well and the first reading; two that were refused.
    assert_eq!((rose("answers", "2xx"), rose("answers", "4xx"), rose("answers", "5xx")), (3, 2, 0));
    assert_eq!((rose("counters", "bcrypt_hashes"), rose("counters", "bcrypt_turned_away")), (2, 0));
    assert_eq!((&after["gauges"]["bcrypt_queue_length"], &after["gauges"]["proxy_distrusted"]), (&json!(0), &json!(0)));
    assert_eq!(after["logins"]["ok"], service.metric(r#"auth_logins_total{outcome="ok"}"#).await);
    assert_eq!(after["counters"]["bcrypt_hashes"], service.metric("auth_bcrypt_hashes_total").await);

    assert_eq!((&after["instance"], &after["started_at"]), (&before["instance"], &before["started_at"]));
    assert!(after["started_at"].as_str() <= before["at"].as_str() && before["at"].as_str() < after["at"].as_str());
}

#[tokio::test]
async fn another_replica_says_that_it_is_another() {
    let service = TestService::start(Sqlite).await;
    let (_, tokens) = service.administrator().await;
    let replica = service.replica().await;
    let (here, there) = (read(&service, &tokens.access).await, read(&replica, &tokens.access).await);
    assert_ne!(here["instance"], there["instance"]);
    assert_eq!((&here["logins"]["ok"], &there["logins"]["ok"]), (&json!(1), &json!(0)));
}
