//! `POST /auth/refresh`

use std::time::Duration;

use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::Answer,
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        TestService,
    },
};

const DAY: Duration = Duration::from_hours(24);
const LONGER_THAN_HOLD: Duration = Duration::from_secs(62);

#[rstest]
#[tokio::test]
async fn a_refresh_token_becomes_fresh_tokens(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let first = service.log_in(&ada).await;
    let answer = service.refresh(&first.refresh).await;
    assert_snapshot!(answer, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "access_token": "[access_token]",
      "expires_in": 900,
      "refresh_token": "[refresh_token]",
      "scope": "notes:read notes:write",
      "token_type": "Bearer"
    }
    "#);
    let second = answer.tokens();
    assert_ne!(first.refresh, second.refresh);
    assert_eq!(service.get_as(&second.access, "/auth/me").await.status, 200);
}

#[rstest]
#[tokio::test]
async fn idle_and_absolute_expiry_end_a_session_over_http(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let settings = [("REFRESH_IDLE_TTL", "10d"), ("REFRESH_ABSOLUTE_TTL", "25d")];
    let service = TestService::start_with(backend, &settings).await;
    let ada = service.registered("ada").await;
    let (idle, mut used) = (service.log_in(&ada).await.refresh, service.log_in(&ada).await.refresh);
    for _ in 0..2 {
        service.clock.advance(9 * DAY);
        used = service.refresh(&used).await.tokens().refresh;
    }
    let refused = service.refresh(&idle).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "login_required"));
    service.clock.advance(6 * DAY);
    let last = service.refresh(&used).await.tokens();
    service.clock.advance(DAY);
    let refused = service.refresh(&last.refresh).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "login_required"));
    assert_eq!(service.get_as(&last.access, "/auth/me").await.status, 401);
}

#[rstest]
#[tokio::test]
async fn the_token_may_come_in_the_header(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let request = service.request(Method::POST, "/auth/refresh").bearer_auth(&tokens.refresh);
    assert_eq!(Answer::of(request).await.status, 200);
    let both = service.post_as(&tokens.refresh, "/auth/refresh", json!({"refresh_token": tokens.refresh})).await;
    assert_eq!((both.status, both.code().as_str()), (400, "bad_request"));
}

#[rstest]
#[tokio::test]
async fn a_lost_answer_may_be_asked_for_again_at_any_later_time(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let first = service.log_in(&ada).await;
    for _ in 0..3 {
        assert_eq!(service.refresh(&first.refresh).await.status, 200);
        service.clock.advance(Duration::from_hours(24));
    }
}

#[rstest]
#[tokio::test]
async fn a_young_token_comes_back_as_it_is(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let first = service.log_in(&ada).await;
    let second = service.refresh(&first.refresh).await.tokens();
    service.clock.advance(Duration::from_secs(30));
    let third = service.refresh(&second.refresh).await.tokens();
    assert_eq!(third.refresh, second.refresh);
    assert_ne!(third.access, second.access);
}

#[rstest]
#[tokio::test]
async fn a_used_token_that_comes_back_ends_the_session_for_everybody(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let stolen = service.log_in(&ada).await;
    let owners = service.refresh(&stolen.refresh).await.tokens();
    service.clock.advance(LONGER_THAN_HOLD);
    let promoted = service.refresh(&owners.refresh).await.tokens();

    assert_snapshot!(service.refresh(&stolen.refresh).await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="A used refresh token came back, so the session was ended everywhere"
    {
      "code": "token_reused",
      "detail": "A used refresh token came back, so the session was ended everywhere",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
    assert_eq!(service.refresh(&promoted.refresh).await.code(), "token_reused");
    assert_eq!(service.get_as(&promoted.access, "/auth/me").await.code(), "login_required");
    assert_eq!(service.metric(r#"auth_refreshes_total{outcome="token_reused"}"#).await, 2);
}

#[rstest]
#[tokio::test]
async fn an_expired_session_asks_for_a_login(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    service.clock.advance(Duration::from_hours(744));
    assert_snapshot!(service.refresh(&tokens.refresh).await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="The session is over; log in again"
    {
      "code": "login_required",
      "detail": "The session is over; log in again",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_session_that_is_used_ends_at_its_absolute_expiry(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut refresh = service.log_in(&ada).await.refresh;
    for _ in 0..4 {
        service.clock.advance(Duration::from_hours(480));
        refresh = service.refresh(&refresh).await.tokens().refresh;
    }
    service.clock.advance(Duration::from_hours(264));
    assert_eq!(service.refresh(&refresh).await.code(), "login_required");
}

#[rstest]
#[tokio::test]
async fn no_token_garbage_and_an_access_token_are_refused(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let nothing = Answer::of(service.request(Method::POST, "/auth/refresh")).await;
    assert_eq!((nothing.status, nothing.code().as_str()), (401, "missing_token"));
    for token in ["garbage", "", "a.b.c", &tokens.access] {
        let answer = service.refresh(token).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "login_required"), "{token}");
    }
    assert_eq!(service.refresh(&tokens.refresh).await.status, 200, "none of these counts as reuse");
}

#[rstest]
#[tokio::test]
async fn a_restart_logs_nobody_out(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let after = service.replica().await;
    let refreshed = after.refresh(&tokens.refresh).await.tokens();
    assert_eq!(service.get_as(&refreshed.access, "/auth/me").await.status, 200);
    after.stop().await;
}

#[rstest]
#[tokio::test]
async fn tabs_on_two_replicas_that_refresh_at_once_all_stay_logged_in(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let one = TestService::start(backend).await;
    let two = one.replica().await;
    let ada = one.registered("ada").await;
    let mut shared = one.log_in(&ada).await.refresh;
    for _ in 0..3 {
        one.clock.advance(LONGER_THAN_HOLD);
        let answers = tokio::join!(
            one.refresh(&shared),
            two.refresh(&shared),
            one.refresh(&shared),
            two.refresh(&shared),
            one.refresh(&shared)
        );
        for answer in [&answers.0, &answers.1, &answers.2, &answers.3, &answers.4] {
            assert_eq!(answer.status, 200, "{answer}");
        }
        // Whichever answer arrives last is what the tabs share next.
        shared = answers.3.tokens().refresh;
    }
}
