//! `/livez`, `/readyz`, `/metrics` on the internal listener.

use rstest::rstest;

use crate::support::service::{
    Backend::{self, PostgresAndRedis, Sqlite},
    TestService,
};

#[rstest]
#[tokio::test]
async fn a_service_whose_stores_answer_is_ready(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    assert_eq!(service.manage("/livez").await.status, 200);
    let ready = service.manage("/readyz").await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["dependencies"]["database"], "up");
    assert_eq!(ready.json()["dependencies"].get("redis").is_some(), matches!(backend, PostgresAndRedis));
}

#[rstest]
#[tokio::test]
async fn requests_logins_and_refreshes_are_counted(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    service.refresh(&tokens.refresh).await;
    service.get("/made-up").await;
    let counted = [
        r#"auth_http_requests_total{method="POST",route="/auth/login",status="200"}"#,
        r#"auth_http_requests_total{method="GET",route="unmatched",status="404"}"#,
        r#"auth_http_request_duration_seconds_count{method="POST",route="/auth/login"}"#,
        r#"auth_logins_total{outcome="ok"}"#,
        r#"auth_refreshes_total{outcome="rotated"}"#,
    ];
    for name in counted {
        assert_eq!(service.metric(name).await, 1, "{name}\n{}", service.manage("/metrics").await.text);
    }
    assert!(service.manage("/metrics").await.text.contains("auth_bcrypt_queue_length 0"));
}

#[tokio::test]
async fn an_unknown_internal_address_is_not_found() {
    let service = TestService::start(Sqlite).await;
    assert_snapshot!(service.manage("/auth/me").await, @r#"
    404
    content-type: application/problem+json
    {
      "code": "not_found",
      "detail": "There is nothing at this address",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
}
