//! `POST /auth/logout`, `POST /auth/logout-all`

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

#[rstest]
#[tokio::test]
async fn logout_ends_the_session_and_only_that(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let (one, two) = (service.log_in(&ada).await, service.log_in(&ada).await);
    let request = service.request(Method::POST, "/auth/logout").bearer_auth(&one.access);
    let answer = Answer::of(request).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(service.refresh(&one.refresh).await.code(), "login_required");
    assert_eq!(service.get_as(&one.access, "/auth/me").await.code(), "login_required");
    assert_eq!(service.refresh(&two.refresh).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn a_refresh_token_logs_out_too_and_twice_is_no_error(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    for _ in 0..2 {
        let answer = service.post("/auth/logout", json!({"refresh_token": tokens.refresh})).await;
        assert_eq!(answer.status, 204, "{answer}");
    }
    assert_eq!(service.refresh(&tokens.refresh).await.code(), "login_required");
}

#[rstest]
#[tokio::test]
async fn logout_without_a_token_is_refused(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let answer = Answer::of(service.request(Method::POST, "/auth/logout")).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "missing_token"));
}

#[rstest]
#[tokio::test]
async fn logout_all_ends_every_session_of_the_user_and_nobody_elses(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let (ada, eve) = (service.registered("ada").await, service.registered("eve").await);
    let (one, two, eves) = (service.log_in(&ada).await, service.log_in(&ada).await, service.log_in(&eve).await);
    let request = service.request(Method::POST, "/auth/logout-all").bearer_auth(&one.access);
    assert_eq!(Answer::of(request).await.status, 204);
    for tokens in [&one, &two] {
        assert_eq!(service.refresh(&tokens.refresh).await.code(), "login_required");
    }
    assert_eq!(service.refresh(&eves.refresh).await.status, 200);
    let again = service.log_in(&ada).await;
    assert_eq!(service.refresh(&again.refresh).await.status, 200, "a login afterwards is a new session");
}
