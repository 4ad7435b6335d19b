//! A Postgres that is stopped and comes back.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    answer::Answer,
    postgres::PostgresServer,
    service::{ADA, TestService, least_variables},
};

const SECOND: Duration = Duration::from_secs(1);

/// The answer, which must come within a second.
async fn promptly(request: impl Future<Output = Answer>) -> Answer {
    let begun = Instant::now();
    let answer = request.await;
    assert!(begun.elapsed() < SECOND, "{:?}: {answer}", begun.elapsed());
    answer
}

#[tokio::test]
async fn while_postgres_is_away_notes_answer_503_within_a_second_and_then_go_on() {
    let mut server = PostgresServer::start();
    let service = TestService::start_on(&least_variables(server.url())).await;
    let ada = service.person(ADA);
    let note = ada.noted("kept").await;
    server.stop();
    assert_snapshot!(promptly(ada.get(&note)).await, @r#"
    503
    content-type: application/problem+json
    retry-after: 1
    {
      "code": "unavailable",
      "detail": "This cannot be done right now; try again in a moment",
      "request_id": "[request_id]",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
    let new = json!({"title": "lost", "body": ""});
    for answer in [
        promptly(ada.get("/api/notes")).await,
        promptly(ada.post(&new)).await,
        promptly(ada.put(&note, &new)).await,
        promptly(ada.delete(&note)).await,
    ] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer}");
    }
    assert_eq!(promptly(ada.get("/api/whoami")).await.status, 200, "who is asking stands in the token");
    assert_eq!(promptly(ada.get("/api/notes/no-uuid")).await.status, 404);
    assert_eq!(promptly(service.get("/api/notes")).await.status, 401);
    assert_eq!(service.manage("/livez").await.status, 200);
    assert_snapshot!(promptly(service.manage("/readyz")).await, @r#"
    503
    content-type: application/json
    {
      "dependencies": {
        "database": "down"
      },
      "ready": false
    }
    "#);

    server.start_again();
    assert_eq!(ada.get(&note).await.member("title"), "kept");
    assert_eq!(ada.get("/api/notes").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(service.manage("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_restart_of_postgres_between_two_requests_is_not_noticed() {
    let mut server = PostgresServer::start();
    let service = TestService::start_on(&least_variables(server.url())).await;
    let ada = service.person(ADA);
    let note = ada.noted("kept").await;
    server.stop();
    server.start_again();
    assert_eq!(ada.get(&note).await.status, 200);
    assert_eq!(ada.put(&note, &json!({"title": "changed", "body": ""})).await.status, 200);
}

#[tokio::test]
async fn the_service_starts_while_postgres_is_away_and_migrates_when_it_is_back() {
    let mut server = PostgresServer::start();
    server.stop();
    let service = TestService::start_on(&least_variables(server.url())).await;
    let ada = service.person(ADA);
    assert_eq!(promptly(ada.get("/api/notes")).await.status, 503);
    assert_eq!(promptly(ada.get("/api/whoami")).await.status, 200);
    server.start_again();
    let begun = Instant::now();
    while service.manage("/readyz").await.status != 200 {
        assert!(begun.elapsed() < 30 * SECOND);
    }
    ada.noted("first").await;
}
