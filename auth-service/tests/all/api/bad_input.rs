//! What is sent wrongly, answered in the contract's form: status and whole body.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::Answer,
    service::{Backend, TestService},
};

async fn login_with_body(body: impl Into<reqwest::Body>, content_type: &str) -> Answer {
    let service = TestService::start(Backend::Sqlite).await;
    let request = service.request(Method::POST, "/auth/login").header("Content-Type", content_type).body(body);
    Answer::of(request).await
}

#[rstest]
#[case::half("{\"username\": \"ada\"")]
#[case::nothing("")]
#[case::another_type("[1, 2]")]
#[case::a_number("{\"username\": 7, \"password\": \"hunter2-hunter2\"}")]
#[case::no_utf_8("{\"username\": \"\\ud800\"}")]
#[tokio::test]
async fn malformed_json_is_a_bad_request(#[case] body: &'static str) {
    let answer = login_with_body(body, "application/json").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"));
    assert!(!answer.text.contains("hunter2"), "{answer}");
}

#[tokio::test]
async fn a_missing_member_is_named() {
    assert_snapshot!(login_with_body("{\"username\": \"ada\"}", "application/json").await, @r#"
    400
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "is missing",
          "field": "password"
        }
      ],
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn an_unknown_member_is_named() {
    let body = r#"{"username": "ada", "password": "x", "remember": true}"#;
    assert_snapshot!(login_with_body(body, "application/json").await, @r#"
    400
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "is not known here",
          "field": "remember"
        }
      ],
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_repeated_member_is_named() {
    let body = r#"{"username": "ada", "username": "eve", "password": "x"}"#;
    assert_snapshot!(login_with_body(body, "application/json").await, @r#"
    400
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "is there more than once",
          "field": "username"
        }
      ],
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let body = json!({"username": "a".repeat(9_000), "password": "x"}).to_string();
    assert_snapshot!(login_with_body(body, "application/json").await, @r#"
    413
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "payload_too_large",
      "detail": "The body is too large",
      "request_id": "[request_id]",
      "status": 413,
      "title": "Content Too Large",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn another_content_type_is_refused() {
    assert_snapshot!(login_with_body("username=ada", "application/x-www-form-urlencoded").await, @r#"
    415
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "unsupported_media_type",
      "detail": "The body must be JSON with Content-Type: application/json",
      "request_id": "[request_id]",
      "status": 415,
      "title": "Unsupported Media Type",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_large_body_of_a_request_that_needs_none_is_refused() {
    let service = TestService::start(Backend::Sqlite).await;
    let request = service.request(Method::POST, "/auth/refresh").body("x".repeat(9_000));
    let answer = Answer::of(request).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"), "{answer}");
}

#[tokio::test]
async fn the_wrong_method_is_told_the_right_ones() {
    let service = TestService::start(Backend::Sqlite).await;
    assert_snapshot!(service.get("/auth/login").await, @r#"
    405
    allow: POST
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "method_not_allowed",
      "detail": "GET is not possible here",
      "request_id": "[request_id]",
      "status": 405,
      "title": "Method Not Allowed",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[case("/nowhere")]
#[case("/auth/nowhere")]
#[case("/auth/verify")]
#[case("/metrics")]
#[tokio::test]
async fn an_unknown_address_is_not_found(#[case] path: &str) {
    let service = TestService::start(Backend::Sqlite).await;
    let answer = service.get(path).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
}

#[tokio::test]
async fn a_request_id_comes_back_in_header_and_body() {
    let service = TestService::start(Backend::Sqlite).await;
    let given = Answer::of(service.request(Method::GET, "/nowhere").header("X-Request-Id", "trace-7.b_c")).await;
    assert_eq!(given.header("x-request-id"), Some("trace-7.b_c"));
    assert_eq!(given.member("request_id"), "trace-7.b_c");
    let bad = Answer::of(service.request(Method::GET, "/nowhere").header("X-Request-Id", "a b")).await;
    assert_ne!(bad.header("x-request-id"), Some("a b"));
    assert_eq!(bad.header("x-request-id"), Some(bad.member("request_id").as_str()));
}

#[tokio::test]
async fn a_head_request_is_answered_like_a_get_without_a_body() {
    let service = TestService::start(Backend::Sqlite).await;
    let answer = Answer::of(service.request(Method::HEAD, "/openapi.json")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
}
