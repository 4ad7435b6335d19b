//! `/livez`, `/readyz`, `/metrics` on the internal listener.

use insta::{allow_duplicates, assert_snapshot};
use rstest::rstest;

use crate::support::{
    database::Kind::{self, Postgres, Sqlite},
    service::{ADA, TestService},
};

#[rstest]
#[tokio::test]
async fn a_service_whose_database_answers_is_ready(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    assert_eq!(service.manage("/livez").await.status, 200);
    let ready = service.manage("/readyz").await;
    allow_duplicates! {
        assert_snapshot!(ready, @r#"
    200
    content-type: application/json
    {
      "dependencies": {
        "database": "up"
      },
      "ready": true
    }
    "#);
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status_and_not_by_note() {
    let service = TestService::start(Sqlite).await;
    let ada = service.person(ADA);
    let (one, two) = (ada.noted("one").await, ada.noted("two").await);
    ada.get(&one).await;
    ada.get(&two).await;
    service.get(&one).await;
    let metrics = service.manage("/metrics").await.text;
    for line in [
        r#"resource_http_requests_total{method="POST",route="/api/notes",status="201"} 2"#,
        r#"resource_http_requests_total{method="GET",route="/api/notes/{id}",status="200"} 2"#,
        r#"resource_http_requests_total{method="GET",route="/api/notes/{id}",status="401"} 1"#,
        r#"resource_http_request_duration_seconds_count{method="GET",route="/api/notes/{id}"} 3"#,
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn the_internal_listener_serves_no_notes() {
    let service = TestService::start(Sqlite).await;
    assert_eq!(service.manage("/api/whoami").await.code(), "not_found");
}
