//! `GET /auth/sessions`, `DELETE /auth/sessions/{sid}`

use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::Answer,
    browser::Browser,
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        TestService,
    },
    token::claims,
};

#[rstest]
#[tokio::test]
async fn a_user_sees_the_sessions_by_device(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let body = json!({"username": ada.username, "password": ada.password});
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let login = service.request(Method::POST, "/auth/login").header("User-Agent", firefox).json(&body);
    let tokens = Answer::of(login).await.tokens();
    service.clock.advance(std::time::Duration::from_secs(1));
    service.try_log_in(&ada, json!("access_only")).await;
    assert_snapshot!(service.get_as(&tokens.access, "/auth/sessions").await, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "items": [
        {
          "address": "127.0.0.1",
          "created_at": "[created_at]",
          "current": false,
          "device": "Unknown device",
          "expires_at": "[expires_at]",
          "id": "[id]",
          "last_seen_at": "[last_seen_at]",
          "mode": "access_only"
        },
        {
          "address": "127.0.0.1",
          "created_at": "[created_at]",
          "current": true,
          "device": "Firefox on Linux",
          "expires_at": "[expires_at]",
          "id": "[id]",
          "last_seen_at": "[last_seen_at]",
          "mode": "bearer"
        }
      ],
      "next": null
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_user_ends_another_of_the_own_sessions(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let (phone, desk) = (service.log_in(&ada).await, service.log_in(&ada).await);
    let list = service.get_as(&desk.access, "/auth/sessions").await.json();
    let other = list["items"].as_array().unwrap().iter().find(|item| item["current"] == false).unwrap();
    let path = format!("/auth/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(service.delete_as(&desk.access, &path).await.status, 204);
    assert_eq!(service.refresh(&phone.refresh).await.code(), "login_required");
    assert_eq!(service.refresh(&desk.refresh).await.status, 200);
    assert_eq!(service.delete_as(&desk.access, &path).await.status, 404, "it is over already");
}

#[rstest]
#[tokio::test]
async fn anothers_session_is_not_found(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (ada, eve) = (service.registered("ada").await, service.registered("eve").await);
    let (adas, eves) = (service.log_in(&ada).await, service.log_in(&eve).await);
    let list = service.get_as(&adas.access, "/auth/sessions").await.json();
    let path = format!("/auth/sessions/{}", list["items"][0]["id"].as_str().unwrap());
    assert_snapshot!(service.delete_as(&eves.access, &path).await, @r#"
    404
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "not_found",
      "detail": "There is nothing at this address",
      "request_id": "[request_id]",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
    assert_eq!(service.refresh(&adas.refresh).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn an_id_that_is_no_uuid_is_not_found(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    assert_snapshot!(service.delete_as(&tokens.access, "/auth/sessions/first").await, @r#"
    404
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "not_found",
      "detail": "There is nothing at this address",
      "request_id": "[request_id]",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn of_a_browsers_requests_only_those_of_the_sites_own_pages_end_one(#[values("cookie", "session")] mode: &str) {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let phone = service.log_in(&ada).await;
    let mut browser = Browser::logged_in(&service, &ada, mode).await;
    let path = format!("/auth/sessions/{}", claims(&phone.access)["sid"].as_str().unwrap());
    for forged in browser.forged(&service, &Method::DELETE, &path) {
        let answer = Answer::of(forged).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "csrf_failed"));
    }
    assert_eq!(service.refresh(&phone.refresh).await.status, 200);
    assert_eq!(browser.send(&service, Method::DELETE, &path).await.status, 204);
    assert_eq!(service.refresh(&phone.refresh).await.code(), "login_required");
}
