//! `/auth/verify`: what gateways ask.

use std::time::Duration;

use auth_service::domain::client::GrantType;
use reqwest::{Method, RequestBuilder};
use rstest::rstest;

use crate::support::{
    answer::Answer,
    browser::Browser,
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        TestService,
    },
    token::claims,
};

/// What nginx asks about a request with `method`.
fn told(service: &TestService, method: &str, query: &str) -> RequestBuilder {
    service
        .internal_request(&format!("/auth/verify{query}"))
        .header("X-Original-Method", method)
        .header("X-Original-URI", "/protected/page?x=1")
}

/// The same about a request with the cookies of `browser`.
fn told_of(browser: &Browser, service: &TestService, method: &str) -> RequestBuilder {
    told(service, method, "").header("Cookie", browser.cookies_to("/protected").unwrap())
}

/// What the gateway passes on.
fn identity(answer: &Answer) -> String {
    let names = ["x-auth-subject", "x-auth-session", "x-auth-client", "x-auth-scope", "x-auth-roles"];
    let lines = names.map(|name| format!("{name}: {}", answer.header(name).unwrap_or("none")));
    lines.join("\n")
}

fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("x-auth-error"), Some(answer.code().as_str()));
    assert_eq!(answer.header("x-auth-error-detail"), Some(answer.member("detail").as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("authorization").is_none() && answer.header("x-auth-subject").is_none());
    (answer.status, answer.code())
}

fn token_of(answer: &Answer) -> String {
    answer.header("authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn a_token_passes_as_it_is(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (_, tokens) = service.administrator().await;
    let answer = Answer::of(told(&service, "POST", "").bearer_auth(&tokens.access)).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(token_of(&answer), tokens.access);
    let own = claims(&tokens.access);
    let expected = format!(
        "x-auth-subject: {}\nx-auth-session: {}\nx-auth-client: first-party\nx-auth-scope: notes:read notes:write\n\
        x-auth-roles: admin",
        own["sub"].as_str().unwrap(),
        own["sid"].as_str().unwrap()
    );
    assert_eq!(identity(&answer), expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[rstest]
#[tokio::test]
async fn a_session_passes_as_a_phantom_token(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let answer = Answer::of(told_of(&browser, &service, "GET")).await;
    assert_eq!(answer.status, 200, "{answer}");
    let phantom = claims(&token_of(&answer));
    assert_eq!(phantom["exp"].as_i64().unwrap() - phantom["iat"].as_i64().unwrap(), 60);
    assert_eq!(phantom["aud"], serde_json::json!(["http://localhost:8080", "resource-service"]));
    assert!(phantom.get("csrf").is_none());
    assert_eq!(answer.header("x-auth-subject"), phantom["sub"].as_str());
    assert_eq!(answer.header("x-auth-session"), phantom["sid"].as_str());
    service.clock.advance(Duration::from_secs(66));
    let late = service.get_as(&token_of(&answer), "/auth/me").await;
    assert_eq!(late.code(), "token_expired");
}

#[tokio::test]
async fn the_cookie_of_mode_cookie_passes_as_its_token() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "cookie").await;
    let answer = Answer::of(told_of(&browser, &service, "GET")).await;
    assert_eq!((answer.status, token_of(&answer).as_str()), (200, browser.cookie("lk_at").unwrap()));
}

#[tokio::test]
async fn a_service_passes_by_its_name() {
    let service = TestService::start(Sqlite).await;
    let client = service.client("reports", |rights| rights.grants = vec![GrantType::ClientCredentials]).await;
    let token = service.own_token(&client).await;
    let answer = Answer::of(told(&service, "POST", "").bearer_auth(&token)).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(answer.header("x-auth-subject"), Some("reports"));
    assert_eq!((answer.header("x-auth-session"), answer.header("x-auth-roles")), (Some(""), Some("")));
    let refused = Answer::of(told(&service, "POST", "?role=admin").bearer_auth(&token)).await;
    assert_eq!(refusal(&refused), (403, "insufficient_role".to_owned()));
}

#[rstest]
#[tokio::test]
async fn whoever_is_not_known_is_refused(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let nobody = Answer::of(told(&service, "GET", "")).await;
    assert_eq!(refusal(&nobody), (401, "missing_token".to_owned()));
    assert_eq!(nobody.header("www-authenticate"), Some(r#"Bearer realm="latchkey""#));
    let named = Answer::of(told(&service, "GET", "").header("X-Request-Id", "the-clients-own")).await;
    assert_eq!(named.member("request_id"), "the-clients-own", "Envoy passes it on as it is");
    assert!(!nobody.member("request_id").is_empty());
    let garbage = Answer::of(told(&service, "GET", "").bearer_auth("a.b.c")).await;
    assert_eq!(refusal(&garbage), (401, "invalid_token".to_owned()));
    assert_eq!(service.log_out(&tokens.access).await.status, 204);
    let over = Answer::of(told(&service, "GET", "").bearer_auth(&tokens.access)).await;
    assert_eq!(refusal(&over), (401, "login_required".to_owned()), "it is seen at once");
    assert_eq!(Answer::of(browser.request(&service, Method::POST, "/auth/logout")).await.status, 204);
    let over = Answer::of(told_of(&browser, &service, "GET")).await;
    assert_eq!(refusal(&over), (401, "login_required".to_owned()));
}

#[tokio::test]
async fn what_is_required_is_asked_for() {
    let service = TestService::start(Sqlite).await;
    let (_, root) = service.administrator().await;
    let ada = service.log_in(&service.registered("ada").await).await;
    let status = async |token: &str, query: &str| {
        let answer = Answer::of(told(&service, "GET", query).bearer_auth(token)).await;
        if answer.status == 200 { (200, String::new()) } else { refusal(&answer) }
    };
    let passed = (200, String::new());
    for query in ["?scope=notes:read", "?scope=notes:read%20notes:write", "?scope=", "?role="] {
        assert_eq!(status(&ada.access, query).await, passed, "{query}");
    }
    for query in ["?scope=notes:delete", "?scope=notes:read%20notes:delete"] {
        assert_eq!(status(&root.access, query).await, (403, "insufficient_scope".to_owned()), "{query}");
    }
    assert_eq!(status(&root.access, "?role=admin&scope=notes:read").await, passed);
    for query in ["?role=admin", "?role=admin%20user"] {
        assert_eq!(status(&ada.access, query).await, (403, "insufficient_role".to_owned()), "{query}");
    }
    assert_eq!(status(&root.access, "?role=admin%20auditor").await, (403, "insufficient_role".to_owned()));
    assert_eq!(status(&root.access, "?roles=admin").await.0, 400, "a requirement that is misspelt is not passed over");
    let by_header =
        told(&service, "GET", "?scope=notes:read").header("X-Required-Role", "admin").bearer_auth(&ada.access);
    assert_eq!(refusal(&Answer::of(by_header).await), (403, "insufficient_role".to_owned()));
    let by_header = told(&service, "GET", "").header("X-Required-Scope", "notes:delete").bearer_auth(&ada.access);
    assert_eq!(refusal(&Answer::of(by_header).await), (403, "insufficient_scope".to_owned()));
}

#[rstest]
#[tokio::test]
async fn the_csrf_check_is_by_the_original_method(#[values("cookie", "session")] mode: &str) {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, mode).await;
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(Answer::of(told_of(&browser, &service, method)).await.status, 200, "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get"] {
        let refused = Answer::of(told_of(&browser, &service, method)).await;
        assert_eq!(refusal(&refused), (403, "csrf_failed".to_owned()), "{method}");
        let shown = browser.on_page(told_of(&browser, &service, method));
        assert_eq!(Answer::of(shown).await.status, 200, "{method}");
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_tell_lets_nobody_through() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let tokens = service.log_in(&ada).await;
    for (name, value) in [("X-Original-Method", "GET"), ("X-Original-URI", "/")] {
        let half = service.internal_request("/auth/verify").header(name, value);
        let cookies = browser.cookies_to("/").unwrap();
        for request in [half.try_clone().unwrap().bearer_auth(&tokens.access), half.header("Cookie", cookies)] {
            assert_eq!(refusal(&Answer::of(request).await), (400, "bad_request".to_owned()));
        }
    }
}

#[tokio::test]
async fn what_a_gateway_says_twice_or_illegibly_is_refused() {
    let service = TestService::start(Sqlite).await;
    let tokens = service.log_in(&service.registered("ada").await).await;
    let browser = Browser::logged_in(&service, &service.registered("eve").await, "session").await;
    for name in ["X-Required-Scope", "X-Required-Role"] {
        let value = reqwest::header::HeaderValue::from_bytes("\u{201c}admin\u{201d}".as_bytes()).unwrap();
        let illegible = told(&service, "GET", "").header(name, value).bearer_auth(&tokens.access);
        assert_eq!(refusal(&Answer::of(illegible).await), (400, "bad_request".to_owned()), "{name}");
    }
    let twice = told(&service, "GET", "").header("X-Required-Role", "").header("X-Required-Role", "admin");
    let twice = Answer::of(twice.bearer_auth(&tokens.access)).await;
    assert_eq!(refusal(&twice), (403, "insufficient_role".to_owned()), "all of it counts");
    for (name, value) in [("X-Original-Method", "GET"), ("X-Original-URI", "/")] {
        let twice = told_of(&browser, &service, "POST").header(name, value);
        assert_eq!(refusal(&Answer::of(twice).await), (400, "bad_request".to_owned()), "{name}");
    }
    let other = reqwest::header::HeaderValue::from_bytes("/protected/\u{e4}".as_bytes()).unwrap();
    let request = service.internal_request("/auth/verify").header("X-Original-Method", "GET");
    let request = request.header("X-Original-URI", other).bearer_auth(&tokens.access);
    assert_eq!(Answer::of(request).await.status, 200, "an address may be anything");
}

#[tokio::test]
async fn envoy_repeats_the_request_itself() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let browser = Browser::logged_in(&service, &ada, "session").await;
    let cookies = browser.cookies_to("/").unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = |method: Method, path: &str| {
        client.request(method, format!("{}/auth/verify{path}", service.internal())).header("Cookie", &cookies)
    };
    for path in ["/", "/protected/a/b.html", "/api/notes?scope=admin&role=x&x=1", "//x"] {
        assert_eq!(Answer::of(asked(Method::GET, path)).await.status, 200, "{path}");
        // What the client says of another method counts for nothing.
        let request = asked(Method::POST, path).header("X-Original-Method", "GET").header("X-Original-URI", "/");
        assert_eq!(refusal(&Answer::of(request).await), (403, "csrf_failed".to_owned()), "{path}");
        assert_eq!(Answer::of(browser.on_page(asked(Method::POST, path))).await.status, 200, "{path}");
    }
    let required = asked(Method::GET, "/x").header("X-Required-Role", "admin");
    assert_eq!(refusal(&Answer::of(required).await), (403, "insufficient_role".to_owned()));
}

#[tokio::test]
async fn it_is_not_for_the_world() {
    let service = TestService::start(Sqlite).await;
    let tokens = service.log_in(&service.registered("ada").await).await;
    for path in ["/auth/verify", "/auth/verify/", "/auth/verify/x"] {
        let answer = service.get_as(&tokens.access, path).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
}
