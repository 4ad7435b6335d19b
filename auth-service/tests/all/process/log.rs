//! The log of a whole run: JSON, with request ids, and without anything secret.

use reqwest::{Client, RequestBuilder};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::Served;
use crate::support::{
    answer::Answer,
    database::{Kind, TestDatabase},
    service::{JWT_SECRET, REFRESH_SECRET},
};

#[tokio::test]
async fn no_token_password_or_secret_is_ever_in_the_log() {
    let database = TestDatabase::empty(Kind::Sqlite);
    let mut served = Served::start(&[("LOG_LEVEL", "trace")], &database.address());
    let client = Client::builder().no_proxy().build().unwrap();
    let post = |path: &str| client.post(format!("{}{path}", served.public));
    let send = |request: RequestBuilder| Answer::of(request.header("X-Request-Id", "the-request"));
    let (password, second) = ("plum-anvil-tundra-9", "copper-violet-harbour-4");

    let body = json!({"username": "ada", "password": password});
    assert_eq!(send(post("/auth/register").json(&body)).await.status, 201);
    let tokens = send(post("/auth/login").json(&body)).await.tokens();
    send(post("/auth/login").json(&json!({"username": "ada", "password": "a-wrong-password"}))).await;
    send(post("/auth/login").body(r#"{"username": "ada", "password": "half-a-body"#)).await;
    let refreshed = send(post("/auth/refresh").json(&json!({"refresh_token": tokens.refresh}))).await.tokens();
    send(post("/auth/refresh").bearer_auth(&tokens.access)).await;
    let change = json!({"current_password": password, "new_password": second});
    assert_eq!(send(post("/auth/password").bearer_auth(&tokens.access).json(&change)).await.status, 204);
    send(post("/auth/reauth").bearer_auth(&tokens.access).json(&json!({"password": second}))).await;
    send(client.get(format!("{}/auth/me?token={}", served.public, tokens.access))).await;
    send(post("/auth/logout").bearer_auth(&tokens.access)).await;

    served.signal(Signal::TERM);
    let log = served.ended();
    let secrets = [
        password,
        second,
        "a-wrong-password",
        "half-a-body",
        JWT_SECRET,
        REFRESH_SECRET,
        &tokens.access,
        &tokens.refresh,
        &refreshed.access,
        &refreshed.refresh,
    ];
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} is in the log");
        // The signature alone would be enough to complete a token.
        let tail = secret.rsplit('.').next().unwrap();
        assert!(!log.contains(tail), "{tail} is in the log");
    }
    let answered: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .filter(|line| line["message"] == "answered")
        .collect();
    assert_eq!(answered.len(), 10, "{log}");
    assert!(answered.iter().all(|line| line["span"]["request_id"] == "the-request"), "{log}");
}

#[tokio::test]
async fn every_line_of_a_request_names_its_trace() {
    let database = TestDatabase::empty(Kind::Sqlite);
    let mut served = Served::start(&[("LOG_LEVEL", "debug")], &database.address());
    let client = Client::builder().no_proxy().build().unwrap();
    let login = |name: &str| {
        let body = json!({"username": "ada", "password": "a-wrong-password"});
        client.post(format!("{}/auth/login", served.public)).header("X-Request-Id", name).json(&body)
    };
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(Answer::of(login("traced").header("traceparent", traceparent)).await.status, 401);
    assert_eq!(Answer::of(login("untraced").header("traceparent", format!("{traceparent}-"))).await.status, 401);

    served.signal(Signal::TERM);
    let log = served.ended();
    let spans = |name: &str| -> Vec<Value> {
        let spans = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["span"].clone());
        spans.filter(|span| span["request_id"] == name).collect()
    };
    let (traced, untraced) = (spans("traced"), spans("untraced"));
    // The audit event, and that it was answered.
    for spans in [&traced, &untraced] {
        assert!(spans.len() >= 2 && spans.iter().all(|span| *span == spans[0]), "{log}");
        assert_eq!(spans[0]["span_id"].as_str().unwrap().len(), 16);
    }
    assert_eq!(traced[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(traced[0]["parent_span_id"], "00f067aa0ba902b7");
    assert_ne!(traced[0]["span_id"], "00f067aa0ba902b7");
    assert_ne!(untraced[0]["trace_id"], traced[0]["trace_id"]);
    assert_eq!((untraced[0]["trace_id"].as_str().unwrap().len(), untraced[0].get("parent_span_id")), (32, None));
}

#[tokio::test]
async fn a_proxy_that_nobody_vouches_for_is_named_once() {
    let database = TestDatabase::empty(Kind::Sqlite);
    let mut served = Served::start(&[], &database.address());
    let client = Client::builder().no_proxy().build().unwrap();
    let body = json!({"username": "ada", "password": "a-wrong-password"});
    for number in 1..4 {
        let login = client.post(format!("{}/auth/login", served.public));
        let answer = Answer::of(login.header("X-Forwarded-For", format!("203.0.113.{number}")).json(&body)).await;
        assert_eq!(answer.status, 401, "{answer}");
    }
    served.signal(Signal::TERM);
    let log = served.ended();
    assert_eq!(log.matches("AUTH_TRUSTED_PROXIES").count(), 1, "{log}");
    assert!(!log.contains("203.0.113."), "{log}");
}
