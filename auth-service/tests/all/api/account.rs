//! `PATCH` and `DELETE /auth/me`

use std::time::Duration;

use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::Answer,
    browser::{Browser, set_cookies},
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        Person, TestService, Tokens,
    },
};

async fn ada(service: &TestService) -> (Person, Tokens) {
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    (ada, tokens)
}

#[rstest]
#[tokio::test]
async fn another_name_and_address_are_what_one_logs_in_with(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (ada, tokens) = ada(&service).await;
    let renamed = json!({"username": "Countess", "email": "Ada@Example.org"});
    let answer = service.patch_as(&tokens.access, "/auth/me", renamed).await;
    assert_snapshot!(answer, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "email": "ada@example.org",
      "id": "[id]",
      "roles": [],
      "username": "countess"
    }
    "#);
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.text, answer.text);
    assert_eq!(service.refresh(&tokens.refresh).await.status, 200, "sessions go on");

    assert_eq!(service.try_log_in(&ada, json!(null)).await.code(), "invalid_credentials");
    for name in ["countess", "ada@example.org"] {
        service.log_in(&Person { username: name.to_owned(), ..ada.clone() }).await;
    }
    service.registered("ada").await;

    let answer = service.patch_as(&tokens.access, "/auth/me", json!({"email": null})).await;
    assert_eq!((answer.member("username").as_str(), &answer.json()["email"]), ("countess", &json!(null)));
    let gone = Person { username: "ada@example.org".to_owned(), ..ada };
    assert_eq!(service.try_log_in(&gone, json!(null)).await.code(), "invalid_credentials");
}

#[rstest]
#[tokio::test]
async fn a_name_or_an_address_of_somebody_else_is_taken(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (_, tokens) = ada(&service).await;
    let bob = json!({"username": "bob", "email": "bob@example.org", "password": "plum-anvil-tundra-9"});
    assert_eq!(service.post("/auth/register", bob).await.status, 201);
    let patch = |body| service.patch_as(&tokens.access, "/auth/me", body);
    assert_snapshot!(patch(json!({"username": "Bob"})).await, @r#"
    409
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "username_taken",
      "detail": "The username is taken",
      "errors": [
        {
          "detail": "is taken",
          "field": "username"
        }
      ],
      "request_id": "[request_id]",
      "status": 409,
      "title": "Conflict",
      "type": "about:blank"
    }
    "#);
    assert_eq!(patch(json!({"email": "BOB@example.org"})).await.code(), "email_taken");
    assert_eq!(patch(json!({"username": "carol", "email": "bob@example.org"})).await.code(), "email_taken");
    assert_eq!(patch(json!({"username": "bob", "email": "bob@example.org"})).await.code(), "username_taken");
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.member("username"), "ada", "half of it is nothing");
}

#[rstest]
#[tokio::test]
async fn asking_which_names_are_taken_comes_to_an_end(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (_, tokens) = ada(&service).await;
    service.registered("bob").await;
    let patch = async |name: &str| {
        let answer = service.patch_as(&tokens.access, "/auth/me", json!({"username": name})).await;
        answer.json()["code"].as_str().unwrap_or("renamed").to_owned()
    };
    for name in ["carol", "dora", "eve", "fay", "gail", "hope", "ida"] {
        assert_eq!(patch(name).await, "renamed", "what is free costs nothing");
    }
    for _ in 0..5 {
        assert_eq!(patch("bob").await, "username_taken");
    }
    assert_eq!(patch("bob").await, "too_many_attempts");
    service.clock.advance(Duration::from_secs(1));
    assert_eq!(patch("joan").await, "renamed");
}

#[tokio::test]
async fn what_does_not_change_is_no_event() {
    let service = TestService::start(Sqlite).await;
    let (_, tokens) = ada(&service).await;
    for same in [json!({}), json!({"username": "ADA"}), json!({"email": null})] {
        assert_eq!(service.patch_as(&tokens.access, "/auth/me", same).await.status, 200);
    }
    service.audit_written().await;
    assert!(service.audit_events("user_renamed").await.is_empty());
    let renamed = json!({"username": "countess", "email": "ada@example.org"});
    service.patch_as(&tokens.access, "/auth/me", renamed).await;
    let event = &service.audit_events("user_renamed").await[0];
    let detail: Vec<(&str, &str)> = event.detail.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(detail, [("email", "changed"), ("username", "countess"), ("username_before", "ada")]);
}

#[rstest]
#[case(json!({"username": "a"}))]
#[case(json!({"username": null}))]
#[case(json!({"name": "countess"}))]
#[case(json!({"email": "no address"}))]
#[case(json!({"email": 7}))]
#[case(json!({"roles": ["admin"]}))]
#[case(json!("countess"))]
#[tokio::test]
async fn what_is_no_name_changes_nothing(#[case] body: serde_json::Value) {
    let service = TestService::start(Sqlite).await;
    let (_, tokens) = ada(&service).await;
    let answer = service.patch_as(&tokens.access, "/auth/me", body).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{answer}");
}

#[rstest]
#[tokio::test]
async fn both_need_a_password_of_the_last_quarter_of_an_hour(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (ada, tokens) = ada(&service).await;
    service.clock.advance(Duration::from_secs(15 * 60 + 1));
    let tokens = service.refresh(&tokens.refresh).await.tokens();
    let rename = json!({"username": "countess"});
    let refused = service.patch_as(&tokens.access, "/auth/me", rename.clone()).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "reauthentication_required"));
    assert_snapshot!(service.delete_as(&tokens.access, "/auth/me").await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="insufficient_user_authentication", max_age="900"
    {
      "code": "reauthentication_required",
      "detail": "Give your password again for this",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
    let again = service.post_as(&tokens.access, "/auth/reauth", json!({"password": ada.password})).await;
    let fresh = again.member("access_token");
    assert_eq!(service.patch_as(&fresh, "/auth/me", rename).await.status, 200);
    assert_eq!(service.delete_as(&fresh, "/auth/me").await.status, 204);
}

#[tokio::test]
async fn nobody_elses_account_is_changed_without_a_token() {
    let service = TestService::start(Sqlite).await;
    for method in [Method::PATCH, Method::DELETE] {
        let answer = Answer::of(service.request(method, "/auth/me").json(&json!({"username": "countess"}))).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "missing_token"));
    }
}

#[rstest]
#[tokio::test]
async fn of_a_browsers_requests_only_those_of_the_sites_own_pages_change_it(#[values("cookie", "session")] mode: &str) {
    let service = TestService::start(Sqlite).await;
    let (person, _) = ada(&service).await;
    let mut browser = Browser::logged_in(&service, &person, mode).await;
    let renaming = json!({"username": "countess"});
    for method in [Method::PATCH, Method::DELETE] {
        for forged in browser.forged(&service, &method, "/auth/me") {
            let answer = Answer::of(forged.json(&renaming)).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "csrf_failed"), "{method}");
            assert_eq!(set_cookies(&answer), Vec::<String>::new());
        }
    }
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.member("username"), "ada");
    let rename = browser.request(&service, Method::PATCH, "/auth/me").json(&renaming);
    assert_eq!(browser.answered(rename).await.member("username"), "countess");
    assert_eq!(browser.send(&service, Method::DELETE, "/auth/me").await.status, 204);
}

#[rstest]
#[tokio::test]
async fn a_deleted_account_is_gone_with_its_sessions(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (ada, here) = ada(&service).await;
    let elsewhere = service.log_in(&ada).await;
    let id = service.get_as(&here.access, "/auth/me").await.member("id");
    let answer = service.delete_as(&here.access, "/auth/me").await;
    assert_eq!(answer.status, 204, "{answer}");
    for tokens in [&here, &elsewhere] {
        assert_eq!(service.refresh(&tokens.refresh).await.code(), "login_required");
        assert_eq!(service.get_as(&tokens.access, "/auth/me").await.code(), "login_required");
        assert_eq!(service.delete_as(&tokens.access, "/auth/me").await.code(), "login_required");
    }
    assert_eq!(service.try_log_in(&ada, json!(null)).await.code(), "invalid_credentials");
    assert_eq!(service.audit_events("user_deleted").await[0].subject.unwrap().to_string(), id);

    service.registered("ada").await;
    let namesake = service.log_in(&ada).await;
    assert_ne!(service.get_as(&namesake.access, "/auth/me").await.member("id"), id, "an id is nobody else's, ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_under_way_does_not_outlive_the_account() {
    let service = TestService::start(PostgresAndRedis).await;
    for round in 0..10 {
        let person = service.registered(&format!("ada{round}")).await;
        let tokens = service.log_in(&person).await;
        let (deleted, login) =
            tokio::join!(service.delete_as(&tokens.access, "/auth/me"), service.try_log_in(&person, json!("bearer")));
        assert_eq!(deleted.status, 204);
        if login.status == 200 {
            assert_eq!(service.refresh(&login.tokens().refresh).await.code(), "login_required");
        } else {
            assert_eq!(login.code(), "invalid_credentials");
        }
    }
}
