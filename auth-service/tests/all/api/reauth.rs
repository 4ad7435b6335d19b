//! `POST /auth/reauth`

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::support::service::{
    Backend::{self, PostgresAndRedis, Sqlite},
    TestService,
};
use crate::support::token::claims;

fn auth_time(token: &str) -> i64 {
    claims(token)["auth_time"].as_i64().unwrap()
}

#[rstest]
#[tokio::test]
async fn the_password_once_more_makes_the_session_fresh(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let first = service.log_in(&ada).await;
    service.clock.advance(Duration::from_mins(10));
    let answer = service.post_as(&first.access, "/auth/reauth", json!({"password": ada.password})).await;
    assert_snapshot!(answer, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "access_token": "[access_token]",
      "expires_in": 900,
      "scope": "notes:read notes:write",
      "token_type": "Bearer"
    }
    "#);
    assert_eq!(auth_time(&answer.member("access_token")) - auth_time(&first.access), 600);
    let refreshed = service.refresh(&first.refresh).await.tokens();
    assert_eq!(auth_time(&refreshed.access), auth_time(&answer.member("access_token")), "the session remembers");
}

#[rstest]
#[tokio::test]
async fn a_wrong_password_leaves_the_session_as_it_is(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    assert_snapshot!(service.post_as(&tokens.access, "/auth/reauth", json!({"password": "wrong"})).await, @r#"
    403
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "wrong_password",
      "detail": "The password is not the current one",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
    assert_eq!(service.refresh(&tokens.refresh).await.status, 200);
}
