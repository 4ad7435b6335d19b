//! Mode `cookie`: both tokens in cookies that no script can read.

use std::time::Duration;

use common::browser::csrf_claim;
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
    token::claims,
};

const HOLD: Duration = Duration::from_secs(61);

#[rstest]
#[tokio::test]
async fn a_login_sets_cookies_and_tells_no_token(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::default();
    let answer = browser.log_in(&service, &ada, "cookie").await;
    assert_snapshot!(answer, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "csrf_token": "[csrf_token]",
      "expires_in": 900,
      "scope": "notes:read notes:write"
    }
    "#);
    assert_snapshot!(browser.held(), @r"
    lk_at: HttpOnly; SameSite=Lax; Path=/; Max-Age=900
    lk_csrf: SameSite=Lax; Path=/; Max-Age=7776000
    lk_rt: HttpOnly; SameSite=Lax; Path=/auth; Max-Age=7776000
    ");
    let value = answer.member("csrf_token");
    assert_eq!(browser.cookie("lk_csrf"), Some(value.as_str()));
    assert_eq!(claims(browser.cookie("lk_at").unwrap())["csrf"], csrf_claim(&value));
    let me = browser.send(&service, Method::GET, "/auth/me").await;
    assert_eq!(me.member("username"), "ada");
    assert_eq!(browser.send(&service, Method::GET, "/auth/sessions").await.json()["items"][0]["mode"], "cookie");
}

#[tokio::test]
async fn behind_tls_the_names_have_their_prefixes() {
    let service = TestService::start_with(Sqlite, &[("JWT_ISSUER", "https://shop.example")]).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "cookie").await;
    assert_snapshot!(browser.held(), @r"
    __Host-lk_at: HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=900
    __Host-lk_csrf: SameSite=Lax; Secure; Path=/; Max-Age=7776000
    __Secure-lk_rt: HttpOnly; SameSite=Lax; Secure; Path=/auth; Max-Age=7776000
    ");
}

#[rstest]
#[tokio::test]
async fn a_refresh_sets_them_anew(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    for _ in 0..3 {
        let before = browser.clone();
        service.clock.advance(HOLD);
        let answer = browser.send(&service, Method::POST, "/auth/refresh").await;
        assert_eq!(answer.status, 200, "{answer}");
        assert!(!answer.text.contains("token\":\"ey"), "{}", answer.text);
        assert_eq!(set_cookies(&answer).len(), 3);
        assert_ne!(browser.cookie("lk_rt"), before.cookie("lk_rt"));
        assert_ne!(browser.cookie("lk_at"), before.cookie("lk_at"));
        assert_eq!(browser.cookie("lk_csrf"), before.cookie("lk_csrf"), "it is the session's");
    }
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.status, 200);
}

#[tokio::test]
async fn cookies_live_no_longer_than_the_session() {
    let service = TestService::start_with(Sqlite, &[("REFRESH_ABSOLUTE_TTL", "10m")]).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    service.clock.advance(Duration::from_mins(4));
    let answer = browser.send(&service, Method::POST, "/auth/refresh").await;
    assert_eq!(answer.json()["expires_in"], 360);
    assert_snapshot!(browser.held(), @r"
    lk_at: HttpOnly; SameSite=Lax; Path=/; Max-Age=360
    lk_csrf: SameSite=Lax; Path=/; Max-Age=360
    lk_rt: HttpOnly; SameSite=Lax; Path=/auth; Max-Age=360
    ");
}

#[rstest]
#[tokio::test]
async fn a_refused_refresh_touches_no_cookie(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let stolen = browser.clone();
    for _ in 0..2 {
        service.clock.advance(HOLD);
        assert_eq!(browser.send(&service, Method::POST, "/auth/refresh").await.status, 200);
    }
    let reuse = Answer::of(stolen.request(&service, Method::POST, "/auth/refresh")).await;
    assert_eq!((reuse.status, reuse.code().as_str()), (401, "token_reused"));
    let over = Answer::of(browser.request(&service, Method::POST, "/auth/refresh")).await;
    assert_eq!((over.status, over.code().as_str()), (401, "token_reused"));
    for refused in [reuse, over] {
        assert_eq!(set_cookies(&refused), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_login_elsewhere_is_not_taken_away_by_the_refresh_that_lost() {
    let service = TestService::start(Sqlite).await;
    let (ada, eve) = (service.registered("ada").await, service.registered("eve").await);
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let late = browser.request(&service, Method::POST, "/auth/refresh");
    assert_eq!(browser.send(&service, Method::POST, "/auth/logout").await.status, 204);
    assert_eq!(browser.log_in(&service, &eve, "cookie").await.status, 200);
    assert_eq!(browser.answered(late).await.status, 401);
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.member("username"), "eve");
}

#[rstest]
#[tokio::test]
async fn a_logout_ends_the_session_and_clears_the_cookies(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let before = browser.clone();
    let answer = browser.send(&service, Method::POST, "/auth/logout").await;
    assert_eq!(answer.status, 204, "{answer}");
    assert_snapshot!(set_cookies(&answer).join("\n"), @r"
    lk_at=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0
    lk_rt=; HttpOnly; SameSite=Lax; Path=/auth; Max-Age=0
    lk_sid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0
    lk_csrf=; SameSite=Lax; Path=/; Max-Age=0
    ");
    assert!(browser.names().is_empty());
    let refused = Answer::of(before.request(&service, Method::POST, "/auth/refresh")).await;
    assert_eq!(refused.code(), "login_required");
    let again = Answer::of(before.request(&service, Method::POST, "/auth/logout")).await;
    assert_eq!(again.status, 204, "ending it twice is no error");
}

#[tokio::test]
async fn a_logout_clears_what_is_good_no_more() {
    let service = TestService::start(Sqlite).await;
    for (name, value) in [("lk_at", "a.b.c"), ("lk_rt", "x"), ("lk_sid", "lks_x")] {
        let mut browser = Browser::default();
        browser.set_cookie(name, value);
        browser.set_cookie("lk_csrf", "lost");
        let answer = browser.send(&service, Method::POST, "/auth/logout").await;
        assert_eq!(answer.status, 204, "{name}: {answer}");
        assert!(browser.names().is_empty(), "{name}");
    }
    let refused = Browser::default().send(&service, Method::POST, "/auth/logout").await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "missing_token"));
}

#[rstest]
#[tokio::test]
async fn what_ends_the_own_session_clears_its_cookies(
    #[values("cookie", "session")] mode: &str,
    #[values("logout_all", "own_session", "account")] how: &str,
) {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, mode).await;
    let other = Browser::logged_in(&service, &ada, mode).await;
    let sessions = browser.send(&service, Method::GET, "/auth/sessions").await.json();
    let sid = |current: bool| {
        let items = sessions["items"].as_array().unwrap();
        items.iter().find(|item| item["current"] == current).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let another = browser.send(&service, Method::DELETE, &format!("/auth/sessions/{}", sid(false))).await;
    assert_eq!((another.status, set_cookies(&another).len()), (204, 0));
    assert_eq!(Answer::of(other.request(&service, Method::GET, "/auth/me")).await.status, 401);
    let answer = match how {
        "logout_all" => browser.send(&service, Method::POST, "/auth/logout-all").await,
        "own_session" => browser.send(&service, Method::DELETE, &format!("/auth/sessions/{}", sid(true))).await,
        _ => browser.send(&service, Method::DELETE, "/auth/me").await,
    };
    assert_eq!(answer.status, 204, "{answer}");
    assert!(browser.names().is_empty(), "{:?}", browser.names());
}

#[rstest]
#[tokio::test]
async fn what_changes_something_must_come_from_the_site(
    #[values("cookie", "session")] mode: &str,
    #[values("/auth/refresh", "/auth/logout", "/auth/logout-all", "/auth/password", "/auth/reauth")] path: &str,
) {
    if (mode, path) == ("session", "/auth/refresh") {
        return;
    }
    let service = TestService::start(Sqlite).await;
    let (ada, eve) = (service.registered("ada").await, service.registered("eve").await);
    let browser = Browser::logged_in(&service, &ada, mode).await;
    let eves = Browser::logged_in(&service, &eve, mode).await;
    let (own, other) = (browser.cookie("lk_csrf").unwrap(), eves.cookie("lk_csrf").unwrap());
    let body = match path {
        "/auth/password" => json!({"current_password": "x", "new_password": "x"}),
        _ => json!({"password": "x"}),
    };
    let refused = [
        vec![],
        vec![("Sec-Fetch-Site", "same-origin")],
        vec![("X-CSRF-Token", own)],
        vec![("Sec-Fetch-Site", "same-origin"), ("X-CSRF-Token", other)],
        vec![("Sec-Fetch-Site", "same-origin"), ("X-CSRF-Token", "")],
        vec![("Sec-Fetch-Site", "same-site"), ("X-CSRF-Token", own)],
        vec![("Sec-Fetch-Site", "cross-site"), ("X-CSRF-Token", own)],
        vec![("Sec-Fetch-Site", "none"), ("X-CSRF-Token", own)],
        vec![("Origin", "http://localhost:8081"), ("X-CSRF-Token", own)],
        vec![("Origin", "null"), ("X-CSRF-Token", own)],
    ];
    for headers in refused {
        let mut request = browser.bare(&service, Method::POST, path);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        if matches!(path, "/auth/password" | "/auth/reauth") {
            request = request.json(&body);
        }
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "csrf_failed"), "{headers:?}");
        assert_eq!(set_cookies(&answer), Vec::<String>::new());
    }
    let me = Answer::of(browser.bare(&service, Method::GET, "/auth/me")).await;
    assert_eq!(me.member("username"), "ada", "nothing has ended, and reading needs the cookie alone");
}

#[tokio::test]
async fn by_the_origin_where_the_browser_says_no_more() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let request = browser.bare(&service, Method::POST, "/auth/refresh").header("Origin", "http://localhost:8080");
    let request = request.header("X-CSRF-Token", browser.cookie("lk_csrf").unwrap());
    assert_eq!(browser.answered(request).await.status, 200);
}

#[tokio::test]
async fn another_site_logs_nobody_in() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    for (name, value) in
        [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Origin", "https://evil.example")]
    {
        for mode in ["cookie", "session"] {
            let body = json!({"username": ada.username, "password": ada.password, "mode": mode});
            let request = service.request(Method::POST, "/auth/login").header(name, value).json(&body);
            let answer = Answer::of(request).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "csrf_failed"), "{name}: {value}");
            assert_eq!(set_cookies(&answer), Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn the_header_excludes_the_cookies() {
    let service = TestService::start(Sqlite).await;
    let (ada, eve) = (service.registered("ada").await, service.registered("eve").await);
    let browser = Browser::logged_in(&service, &ada, "cookie").await;
    let eves = service.log_in(&eve).await;
    let request = browser.bare(&service, Method::GET, "/auth/me").bearer_auth(&eves.access);
    assert_eq!(Answer::of(request).await.member("username"), "eve");
    let request = browser.bare(&service, Method::POST, "/auth/logout").bearer_auth(&eves.access);
    let answer = Answer::of(request).await;
    assert_eq!((answer.status, set_cookies(&answer).len()), (204, 0));
    let request = browser.bare(&service, Method::POST, "/auth/refresh").json(&json!({"refresh_token": eves.refresh}));
    assert_eq!(Answer::of(request).await.code(), "login_required", "the one in the body counts");
    let request = browser.bare(&service, Method::GET, "/auth/me").bearer_auth("x");
    assert_eq!(Answer::of(request).await.code(), "invalid_token");
    assert_eq!(Answer::of(browser.bare(&service, Method::GET, "/auth/me")).await.member("username"), "ada");
}

#[tokio::test]
async fn the_sessions_mode_decides_what_is_answered() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "cookie").await;
    let answer = service.refresh(browser.cookie("lk_rt").unwrap()).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.json().get("access_token").is_none() && answer.json().get("refresh_token").is_none());
    assert_eq!(set_cookies(&answer).len(), 3);
    // A program's tokens are no cookies.
    let tokens = service.log_in(&ada).await;
    let mut other = Browser::default();
    other.set_cookie("lk_at", &tokens.access);
    assert_eq!(other.send(&service, Method::GET, "/auth/me").await.code(), "invalid_token");
    // And the endpoint for programs gives out no cookie's tokens.
    let form = [("grant_type", "refresh_token"), ("refresh_token", browser.cookie("lk_rt").unwrap())];
    let answer = Answer::of(service.request(Method::POST, "/oauth/token").form(&form)).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_grant")));
    assert!(!answer.text.contains("ey"), "{}", answer.text);
}

#[rstest]
#[tokio::test]
async fn a_login_replaces_that_of_the_other_mode(
    #[values(("cookie", "session"), ("session", "cookie"))] modes: (&str, &str),
) {
    let service = TestService::start(Sqlite).await;
    let (ada, eve) = (service.registered("ada").await, service.registered("eve").await);
    let mut browser = Browser::logged_in(&service, &ada, modes.0).await;
    assert_eq!(browser.log_in(&service, &eve, modes.1).await.status, 200);
    let expected: &[_] = if modes.1 == "cookie" { &["lk_at", "lk_csrf", "lk_rt"] } else { &["lk_csrf", "lk_sid"] };
    assert_eq!(browser.names(), expected);
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.member("username"), "eve");
}

#[tokio::test]
async fn two_logins_at_once_are_refused() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let session = Browser::logged_in(&service, &ada, "session").await;
    browser.set_cookie("lk_sid", session.cookie("lk_sid").unwrap());
    let answer = browser.send(&service, Method::GET, "/auth/me").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"));
    let twice = browser.bare(&service, Method::GET, "/auth/me").header("Cookie", "lk_at=x");
    assert_eq!(Answer::of(twice).await.status, 400);
}

#[tokio::test]
async fn a_lost_csrf_cookie_is_given_again() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    for mode in ["cookie", "session"] {
        let mut browser = Browser::logged_in(&service, &ada, mode).await;
        let value = browser.cookie("lk_csrf").unwrap().to_owned();
        browser.set_cookie("lk_csrf", "lost");
        let answer = browser.send(&service, Method::GET, "/auth/csrf").await;
        assert_eq!((answer.status, answer.member("csrf_token")), (200, value.clone()), "{mode}");
        assert_eq!(browser.cookie("lk_csrf"), Some(value.as_str()));
    }
    // Also when the access token has run out, and the browser has dropped it.
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let value = browser.cookie("lk_csrf").unwrap().to_owned();
    let refresh = format!("lk_rt={}", browser.cookie("lk_rt").unwrap());
    let answer = browser.answered(service.request(Method::GET, "/auth/csrf").header("Cookie", refresh)).await;
    assert_eq!((answer.status, answer.member("csrf_token")), (200, value));
    let tokens = service.log_in(&ada).await;
    let planted = service.request(Method::GET, "/auth/csrf").header("Cookie", format!("lk_rt={}", tokens.refresh));
    assert_eq!(Answer::of(planted).await.status, 400);
    assert_eq!(service.get_as(&tokens.access, "/auth/csrf").await.status, 400);
    assert_eq!(service.get("/auth/csrf").await.code(), "missing_token");
}

#[tokio::test]
async fn while_the_secret_changes_the_value_fits_the_token() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let value = browser.cookie("lk_csrf").unwrap().to_owned();
    let old = service.variables.iter().find(|(name, _)| name == "REFRESH_SECRET").unwrap().1.clone();
    let changed = [("REFRESH_SECRET", "another-secret-that-only-auth-service-has"), ("REFRESH_SECRET_PREVIOUS", &*old)];
    let replica = service.replica_with(&changed).await;
    assert_eq!(browser.send(&replica, Method::GET, "/auth/csrf").await.member("csrf_token"), value);
    assert_eq!(browser.send(&replica, Method::POST, "/auth/refresh").await.status, 200);
    assert_ne!(browser.cookie("lk_csrf"), Some(value.as_str()));
    let claim = claims(browser.cookie("lk_at").unwrap())["csrf"].clone();
    assert_eq!(claim, csrf_claim(browser.cookie("lk_csrf").unwrap()));
    assert_eq!(browser.send(&replica, Method::POST, "/auth/logout").await.status, 204);
}

#[tokio::test]
async fn a_logout_ends_both_of_two_logins() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let session = Browser::logged_in(&service, &ada, "session").await;
    browser.set_cookie("lk_sid", session.cookie("lk_sid").unwrap());
    let before = browser.clone();
    assert_eq!(browser.send(&service, Method::POST, "/auth/logout").await.status, 204);
    assert!(browser.names().is_empty());
    assert_eq!(service.refresh(before.cookie("lk_rt").unwrap()).await.code(), "login_required");
    assert_eq!(Answer::of(session.request(&service, Method::GET, "/auth/me")).await.code(), "login_required");
}

#[rstest]
#[tokio::test]
async fn what_stands_for_a_cookie_is_no_credential_here(#[values("cookie", "session")] mode: &str) {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, mode).await;
    // The gateway gives it to services, and one of them may be broken into.
    let asked = service.internal_request("/auth/verify").header("Cookie", browser.cookies_to("/api").unwrap());
    let passed = Answer::of(asked.header("X-Original-Method", "GET").header("X-Original-URI", "/api")).await;
    let token = passed.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    for (method, path) in [(Method::GET, "/auth/me"), (Method::POST, "/auth/logout-all"), (Method::GET, "/admin/users")]
    {
        let answer = Answer::of(service.request(method, path).bearer_auth(token)).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{path}");
    }
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.status, 200);
}

#[rstest]
#[tokio::test]
async fn the_password_once_more_makes_the_cookie_fresh(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut browser = Browser::logged_in(&service, &ada, "cookie").await;
    let before = claims(browser.cookie("lk_at").unwrap());
    service.clock.advance(Duration::from_mins(10));
    let answer = browser.post(&service, "/auth/reauth", json!({"password": ada.password})).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.json().get("access_token").is_none());
    let after = claims(browser.cookie("lk_at").unwrap());
    assert_eq!(after["auth_time"].as_i64().unwrap() - before["auth_time"].as_i64().unwrap(), 600);
}

#[tokio::test]
async fn modes_can_be_left_out() {
    let plain = [("JWT_ISSUER", "http://shop.example"), ("AUTH_LOGIN_MODES", "bearer")];
    let service = TestService::start_with(Sqlite, &plain).await;
    let ada = service.registered("ada").await;
    for mode in ["access_only", "cookie", "session"] {
        let answer = service.try_log_in(&ada, json!(mode)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "unsupported_mode"), "{mode}");
    }
    assert_eq!(service.try_log_in(&ada, json!("bearer")).await.status, 200);
    let mut browser = Browser::default();
    browser.set_cookie("lk_at", "x");
    assert_eq!(browser.send(&service, Method::GET, "/auth/me").await.code(), "missing_token");
}
