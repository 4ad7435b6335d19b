//! What is sent wrongly, answered in the contract's form: status and whole body.

use insta::assert_snapshot;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::Answer,
    database::Kind::Sqlite,
    service::{ADA, TestService},
};

async fn posted(body: impl Into<reqwest::Body>, content_type: &str) -> Answer {
    let service = TestService::start(Sqlite).await;
    let request = service.person(ADA).request(Method::POST, "/api/notes").header("Content-Type", content_type);
    Answer::of(request.body(body)).await
}

async fn posted_json(body: impl Into<reqwest::Body>) -> Answer {
    posted(body, "application/json").await
}

#[rstest]
#[case::half("{\"title\": \"hunter2\"")]
#[case::nothing("")]
#[case::another_type("[\"hunter2\"]")]
#[case::a_number("{\"title\": 7, \"body\": \"hunter2\"}")]
#[case::half_a_character("{\"title\": \"hunter2\", \"body\": \"\\ud800\"}")]
#[case::more_behind_it("{\"title\": \"hunter2\", \"body\": \"\"} {}")]
#[tokio::test]
async fn malformed_json_is_a_bad_request_and_is_not_quoted(#[case] body: &'static str) {
    let answer = posted_json(body).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{answer}");
    assert!(!answer.text.contains("hunter2"), "{answer}");
}

#[tokio::test]
async fn a_missing_member_is_named() {
    assert_snapshot!(posted_json(r#"{"title": "x"}"#).await, @r#"
    400
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "is missing",
          "field": "body"
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
    assert_snapshot!(posted_json(r#"{"title": "x", "body": "", "owner": "eve"}"#).await, @r#"
    400
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "is not known here",
          "field": "owner"
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
async fn every_member_that_is_wrong_is_named() {
    let body = json!({"title": "", "body": "x".repeat(64 * 1024 + 1)});
    assert_snapshot!(posted_json(body.to_string()).await, @r#"
    400
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "must have 1 to 200 characters, none of them NUL",
          "field": "title"
        },
        {
          "detail": "must have at most 65536 bytes in UTF-8, and no NUL",
          "field": "body"
        }
      ],
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[case::too_long(json!("x".repeat(201)), "title")]
#[case::nul(json!("a\0b"), "title")]
#[case::nul(json!("a\0b"), "body")]
#[tokio::test]
async fn what_no_note_can_say_is_refused_with_the_members_name(#[case] text: serde_json::Value, #[case] member: &str) {
    let mut body = json!({"title": "x", "body": "x"});
    body[member] = text;
    let answer = posted_json(body.to_string()).await;
    assert_eq!(answer.status, 400, "{answer}");
    let errors = answer.json()["errors"].clone();
    assert_eq!((errors.as_array().unwrap().len(), &errors[0]["field"]), (1, &json!(member)));
}

#[tokio::test]
async fn a_replacement_is_checked_like_a_new_note() {
    let service = TestService::start(Sqlite).await;
    let ada = service.person(ADA);
    let note = ada.noted("kept").await;
    for body in [json!({"title": ""}), json!({"body": "only"}), json!({"title": "", "body": ""}), json!({})] {
        let answer = ada.put(&note, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{answer}");
    }
    assert_eq!(ada.get(&note).await.member("title"), "kept");
}

#[tokio::test]
async fn a_large_body_is_refused() {
    assert_snapshot!(posted_json("x".repeat(512 * 1024)).await, @r#"
    413
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
    assert_snapshot!(posted("title=x&body=x", "application/x-www-form-urlencoded").await, @r#"
    415
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

#[rstest]
#[case("/api/notes", Method::DELETE)]
#[case("/api/notes/0192f00d-0000-7000-8000-000000000000", Method::POST)]
#[case("/api/whoami", Method::POST)]
#[tokio::test]
async fn the_wrong_method_is_told_the_right_ones(#[case] path: &str, #[case] method: Method) {
    let service = TestService::start(Sqlite).await;
    let answer = Answer::of(service.person(ADA).request(method, path)).await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"));
    let allowed = answer.header("allow").unwrap();
    let expected = match path {
        "/api/notes" => "GET, HEAD, POST",
        "/api/whoami" => "GET, HEAD",
        _ => "GET, HEAD, PUT, DELETE",
    };
    assert_eq!(allowed, expected);
}

#[tokio::test]
async fn the_wrong_method_has_a_problem_for_a_body() {
    let service = TestService::start(Sqlite).await;
    assert_snapshot!(Answer::of(service.request(Method::PATCH, "/api/notes")).await, @r#"
    405
    allow: GET, HEAD, POST
    content-type: application/problem+json
    {
      "code": "method_not_allowed",
      "detail": "PATCH is not possible here",
      "request_id": "[request_id]",
      "status": 405,
      "title": "Method Not Allowed",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[case("/")]
#[case("/api")]
#[case("/api/nowhere")]
#[case("/api/notes/")]
#[case("/api/notes/no-uuid")]
#[case("/api/notes/0192f00d-0000-7000-8000-00000000000g")]
#[case("/api/notes/0192f00d-0000-7000-8000-000000000000/more")]
#[case("/metrics")]
#[case("/readyz")]
#[tokio::test]
async fn an_address_that_leads_nowhere_is_not_found(#[case] path: &str) {
    let service = TestService::start(Sqlite).await;
    let answer = service.person(ADA).get(path).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{answer}");
}

#[tokio::test]
async fn an_id_that_is_no_uuid_is_not_found() {
    let service = TestService::start(Sqlite).await;
    assert_snapshot!(service.person(ADA).get("/api/notes/7").await, @r#"
    404
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

#[tokio::test]
async fn a_request_id_comes_back_in_header_and_body() {
    let service = TestService::start(Sqlite).await;
    let answer = Answer::of(service.request(Method::GET, "/api/whoami").header("X-Request-Id", "trace-7.b_c")).await;
    assert_eq!(answer.header("x-request-id"), Some("trace-7.b_c"));
    assert_eq!(answer.member("request_id"), "trace-7.b_c");
}

#[tokio::test]
async fn a_head_request_is_answered_like_a_get_without_a_body() {
    let service = TestService::start(Sqlite).await;
    let answer = Answer::of(service.person(ADA).request(Method::HEAD, "/api/whoami")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
}
