//! Mode `session`: one cookie that is no token.

use std::time::Duration;

use auth_service::domain::session_secret::SecretHash;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::Answer,
    browser::{Browser, set_cookies},
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        TestService,
    },
};

#[rstest]
#[tokio::test]
async fn a_login_sets_one_opaque_cookie(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::default();
    let answer = browser.log_in(&service, &ada, "session").await;
    assert_snapshot!(answer, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "csrf_token": "[csrf_token]",
      "expires_in": 7776000,
      "scope": "notes:read notes:write"
    }
    "#);
    assert_snapshot!(browser.held(), @r"
    lk_csrf: SameSite=Lax; Path=/; Max-Age=7776000
    lk_sid: HttpOnly; SameSite=Lax; Path=/; Max-Age=7776000
    ");
    let value = browser.cookie("lk_sid").unwrap();
    assert!(value.starts_with("lks_") && value.len() == 90, "{value}");
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.member("username"), "ada");
    assert_eq!(browser.send(&service, Method::GET, "/auth/sessions").await.json()["items"][0]["mode"], "session");
    let refused = browser.send(&service, Method::POST, "/auth/refresh").await;
    assert_eq!(refused.code(), "missing_token", "there is nothing to refresh");
}

#[rstest]
#[tokio::test]
async fn every_login_is_another_session(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::default();
    // Somebody has put their own session into the browser, and waits for it to be worth more.
    let planted = Browser::logged_in(&service, &service.registered("eve").await, "session").await;
    browser.set_cookie("lk_sid", planted.cookie("lk_sid").unwrap());
    assert_eq!(browser.log_in(&service, &ada, "session").await.status, 200);
    assert_ne!(browser.cookie("lk_sid"), planted.cookie("lk_sid"));
    let theirs = Answer::of(planted.request(&service, Method::GET, "/auth/me")).await;
    assert_eq!(theirs.member("username"), "eve");
}

#[rstest]
#[tokio::test]
async fn it_lives_as_long_as_it_is_used(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let settings = [("REFRESH_IDLE_TTL", "10m"), ("REFRESH_ABSOLUTE_TTL", "1h")];
    let service = TestService::start_with(backend, &settings).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "session").await;
    let idle = Browser::logged_in(&service, &ada, "session").await;
    for _ in 0..6 {
        service.clock.advance(Duration::from_mins(9));
        assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.status, 200);
    }
    let over = Answer::of(idle.request(&service, Method::GET, "/auth/me")).await;
    assert_eq!((over.status, over.code().as_str()), (401, "login_required"));
    assert_eq!(set_cookies(&over), Vec::<String>::new(), "a refusal takes nothing away");
    service.clock.advance(Duration::from_mins(6));
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.code(), "login_required", "not for ever");
}

#[rstest]
#[tokio::test]
async fn a_logout_ends_it(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "session").await;
    let before = browser.clone();
    assert_eq!(browser.send(&service, Method::POST, "/auth/logout").await.status, 204);
    assert!(browser.names().is_empty());
    let refused = Answer::of(before.request(&service, Method::GET, "/auth/me")).await;
    assert_eq!(refused.code(), "login_required");
    service.audit_written().await;
    assert_eq!(service.audit_events("logout").await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn what_is_not_its_secret_opens_nothing(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (ada, eve) = (service.registered("ada").await, service.registered("eve").await);
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let eves = Browser::logged_in(&service, &eve, "session").await;
    let (own, other) = (browser.cookie("lk_sid").unwrap(), eves.cookie("lk_sid").unwrap());
    // The ids are 32 bytes: 42 characters and the better part of another.
    let mixed = format!("{}{}", &own[..48], &other[48..]);
    let mut last = own.to_owned();
    last.replace_range(89..90, if own.ends_with('A') { "Q" } else { "A" });
    for (value, code) in [
        (mixed.as_str(), "login_required"),
        (last.as_str(), "login_required"),
        ("", "invalid_token"),
        ("lks_", "invalid_token"),
        (&own[..89], "invalid_token"),
        ("lks_ÄÖ", "invalid_token"),
    ] {
        let request = service.request(Method::GET, "/auth/me").header("Cookie", format!("lk_sid={value}"));
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, code), "{value}");
    }
}

#[rstest]
#[tokio::test]
async fn more_rights_come_with_a_new_value(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
    #[values("/auth/reauth", "/auth/password")] path: &str,
) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "session").await;
    let seen_before = browser.clone();
    let body = match path {
        "/auth/reauth" => json!({"password": ada.password}),
        _ => json!({"current_password": ada.password, "new_password": "quartz-lagoon-bishop-4"}),
    };
    let answer = browser.post(&service, path, body).await;
    assert_eq!(answer.status, if path == "/auth/reauth" { 200 } else { 204 }, "{answer}");
    assert_ne!(browser.cookie("lk_sid"), seen_before.cookie("lk_sid"));
    // Until the new one is seen its answer may have been lost.
    let lost = Answer::of(seen_before.request(&service, Method::GET, "/auth/me")).await;
    assert_eq!(lost.status, 200, "{lost}");
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.status, 200);
    let refused = Answer::of(seen_before.request(&service, Method::GET, "/auth/me")).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "login_required"));
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.status, 200);
}

#[rstest]
#[tokio::test]
async fn lost_answers_log_nobody_out(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    for _ in 0..3 {
        let request = browser.request(&service, Method::POST, "/auth/reauth");
        let lost = Answer::of(request.json(&json!({"password": ada.password}))).await;
        assert_eq!(lost.status, 200, "{lost}");
    }
    assert_eq!(Answer::of(browser.request(&service, Method::GET, "/auth/me")).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn two_tabs_that_renew_at_once_end_with_one_cookie(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let tab = || {
        let mut tab = browser.clone();
        let (service, password) = (&service, &ada.password);
        async move {
            let answer = tab.post(service, "/auth/reauth", json!({"password": password})).await;
            assert_eq!(answer.status, 200, "{answer}");
            tab
        }
    };
    let (one, other) = tokio::join!(tab(), tab());
    assert_eq!(one.cookie("lk_sid"), other.cookie("lk_sid"));
    for tab in [one, other] {
        assert_eq!(Answer::of(tab.request(&service, Method::GET, "/auth/me")).await.status, 200);
    }
}

#[tokio::test]
async fn two_replicas_that_renew_with_different_secrets_end_with_one_cookie() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let old = service.variables.iter().find(|(name, _)| name == "REFRESH_SECRET").unwrap().1.clone();
    let changed = [("REFRESH_SECRET", "another-secret-that-only-auth-service-has"), ("REFRESH_SECRET_PREVIOUS", &*old)];
    let replica = service.replica_with(&changed).await;
    let body = json!({"password": ada.password});
    let (mut one, mut other) = (browser.clone(), browser);
    assert_eq!(one.post(&service, "/auth/reauth", body.clone()).await.status, 200);
    assert_eq!(other.post(&replica, "/auth/reauth", body).await.status, 200);
    assert_eq!(one.cookie("lk_sid"), other.cookie("lk_sid"));
    assert_eq!(one.send(&service, Method::GET, "/auth/me").await.status, 200);
}

#[rstest]
#[tokio::test]
async fn it_ends_with_the_others(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let tokens = service.log_in(&ada).await;
    let body = json!({"current_password": ada.password, "new_password": "quartz-lagoon-bishop-4"});
    assert_eq!(service.post_as(&tokens.access, "/auth/password", body).await.status, 204);
    let refused = Answer::of(browser.request(&service, Method::GET, "/auth/me")).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "login_required"));
}

#[tokio::test]
async fn the_store_keeps_no_secret() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let file = service.variables.iter().find(|(name, _)| name == "AUTH_DATABASE_URL").unwrap().1.clone();
    let file = file.strip_prefix("sqlite:").unwrap();
    let value = browser.cookie("lk_sid").unwrap();
    let secret = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &value[4..]).unwrap();
    let stored = [file.to_owned(), format!("{file}-wal")].map(|path| std::fs::read(path).unwrap()).concat();
    let holds = |bytes: &[u8]| stored.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(SecretHash::of(secret[32..].try_into().unwrap()).as_bytes()), "this is where it would be");
    let text = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &secret[32..]);
    assert!(!holds(&secret[32..]) && !holds(text.as_bytes()) && !holds(value.as_bytes()));
}
