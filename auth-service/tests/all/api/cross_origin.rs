//! Pages of other origins.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::{
    answer::Answer,
    service::{Backend::Sqlite, TestService},
};

const APP: &str = "https://app.example.org";

async fn start() -> TestService {
    let origins = "https://app.example.org, http://localhost:3000";
    TestService::start_with(Sqlite, &[("CORS_ORIGINS", origins)]).await
}

fn preflight(service: &TestService, path: &str, origin: &str, method: &str, headers: &str) -> RequestBuilder {
    service
        .request(Method::OPTIONS, path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", headers)
}

/// The words of a header in the order of the alphabet, in lower case.
fn words(answer: &Answer, name: &str) -> String {
    let mut words: Vec<_> = answer.header(name).unwrap().split(", ").map(str::to_lowercase).collect();
    words.sort();
    words.join(" ")
}

fn cors_headers(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn a_listed_origin_may_ask_and_need_not_ask_again_for_ten_minutes() {
    let service = start().await;
    for (method, path) in [("POST", "/auth/login"), ("PATCH", "/auth/me"), ("PUT", "/no/such/address")] {
        let sent = "authorization,content-type,x-request-id,traceparent";
        let answer = Answer::of(preflight(&service, path, APP, method, sent)).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}: {answer}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
        assert_eq!(words(&answer, "access-control-allow-methods"), "delete get patch post put");
        assert_eq!(
            words(&answer, "access-control-allow-headers"),
            "authorization content-type traceparent x-request-id"
        );
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert!(answer.header("vary").unwrap().contains("Origin"));
        assert!(answer.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn whoever_may_not_ask_is_told_so_in_a_problem_document() {
    let service = start().await;
    let refused = Answer::of(preflight(&service, "/auth/login", "https://evil.example", "POST", "content-type")).await;
    assert_eq!(cors_headers(&refused), [] as [&str; 0]);
    assert!(refused.header("vary").unwrap().contains("Origin"));
    assert_snapshot!(refused, @r#"
    403
    content-type: application/problem+json
    {
      "code": "cors_refused",
      "detail": "Pages of this origin may not ask here",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
    for origin in
        ["null", "https://app.example.org.evil.example", "http://app.example.org", "https://app.example.org:8443"]
    {
        let answer = Answer::of(preflight(&service, "/auth/login", origin, "POST", "content-type")).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "cors_refused"), "{origin}");
    }
    for (method, headers) in [("TRACE", "content-type"), ("POST", "x-csrf-token"), ("POST", "cookie")] {
        let answer = Answer::of(preflight(&service, "/auth/login", APP, method, headers)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "cors_refused"), "{method} {headers}");
        assert_eq!(cors_headers(&answer), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn a_listed_origin_reads_answers_and_errors_alike() {
    let service = start().await;
    let ada = service.registered("ada").await;
    let wrong = json!({"username": "ada", "password": "a-wrong-password"});
    let login = |body| service.request(Method::POST, "/auth/login").header("Origin", APP).json(&body);
    let right = json!({"username": ada.username, "password": ada.password});
    let long = service.request(Method::POST, "/auth/login").header("Origin", APP).body("x".repeat(10_000));
    for (request, status) in [
        (login(right), 200),
        (login(wrong), 401),
        (login(json!({})), 400),
        (long.header("Content-Type", "application/json"), 413),
        (service.request(Method::GET, "/auth/me").header("Origin", APP), 401),
        (service.request(Method::GET, "/auth/login").header("Origin", APP), 405),
        (service.request(Method::GET, "/auth/nothing").header("Origin", APP), 404),
        (service.request(Method::GET, "/nothing").header("Origin", APP), 404),
        (service.request(Method::OPTIONS, "/auth/me").header("Origin", APP), 405),
    ] {
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, status, "{answer}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP), "{answer}");
        assert_eq!(words(&answer, "access-control-expose-headers"), "retry-after www-authenticate x-request-id");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert!(answer.header("vary").unwrap().contains("Origin"));
        if status >= 400 {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(answer.member("request_id"), answer.header("x-request-id").unwrap());
        }
    }
}

#[tokio::test]
async fn others_are_served_as_ever_and_no_page_of_theirs_reads_it() {
    let service = start().await;
    for request in [
        service.request(Method::GET, "/.well-known/jwks.json"),
        service.request(Method::GET, "/.well-known/jwks.json").header("Origin", "https://evil.example"),
        service.request(Method::GET, "/.well-known/jwks.json").header("Origin", "null"),
    ] {
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(cors_headers(&answer), [] as [&str; 0]);
        assert!(answer.header("vary").unwrap().contains("Origin"), "a cache must not give it to a listed origin");
    }
}

#[tokio::test]
async fn where_no_origin_is_listed_there_is_nothing_of_it() {
    let service = TestService::start(Sqlite).await;
    let answer = Answer::of(preflight(&service, "/auth/login", APP, "POST", "content-type")).await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"));
    let answer = Answer::of(service.request(Method::GET, "/.well-known/jwks.json").header("Origin", APP)).await;
    assert_eq!((answer.status, answer.header("vary")), (200, None));
    assert_eq!(cors_headers(&answer), [] as [&str; 0]);
}

#[tokio::test]
async fn the_internal_listener_is_for_no_page() {
    let service = start().await;
    let answer = Answer::of(service.internal_request("/livez").header("Origin", APP)).await;
    assert_eq!((answer.status, cors_headers(&answer).len()), (200, 0));
}
