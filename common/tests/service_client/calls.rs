//! What a call sends, and what a refusal of its token leads to.

use std::time::Duration;

use common::{
    context::{RequestContext, within},
    rng::SystemRng,
    service_client::{CallError, Method, StatusCode},
};
use serde_json::json;

use crate::support::{Asked, Fixture, Reply, Server, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Accepts one token.
fn only(token: &'static str) -> impl Fn(&Asked, usize) -> Reply {
    move |asked, _| Reply::status(if asked.header("authorization") == format!("Bearer {token}") { 200 } else { 401 })
}

#[tokio::test]
async fn a_call_sends_what_it_was_given_and_the_token() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::json(r#"{"id":7}"#)));
    let client = Fixture::new(&tokens).client;
    let call = client.post(peer.url("/orders?a=1")).query("b", "x y&").header("X-Thing", "1").json(&json!({"n": 2}));
    let answer = call.header("Authorization", "Bearer other").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap(), json!({"id": 7}));
    let asked = &peer.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/orders?a=1&b=x+y%26"));
    assert_eq!((asked.body.as_str(), asked.header("content-type")), (r#"{"n":2}"#, "application/json"));
    assert_eq!((asked.header("x-thing"), asked.header("authorization")), ("1", "Bearer own-1"));
    assert_eq!(asked.header("x-request-id"), "");
}

#[tokio::test]
async fn a_call_within_a_request_carries_its_id_and_its_trace_and_so_does_the_token_request() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(204)));
    let client = Fixture::new(&tokens).client;
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let context = RequestContext::received(Some("the-request"), Some(&traceparent), None, &SystemRng);
    within(context, async { client.get(peer.url("/")).send().await }).await.unwrap();
    for asked in [&peer.asked()[0], &tokens.asked()[0]] {
        assert_eq!(asked.header("x-request-id"), "the-request");
        assert!(asked.header("traceparent").contains(TRACE), "{asked:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once_also_for_a_post() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(only("own-2")));
    let fixture = Fixture::new(&tokens);
    let answer = fixture.client.post(peer.url("/")).json(&json!([1])).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!((tokens.times_asked(), peer.times_asked()), (2, 2));
    assert_eq!(peer.asked()[1].body, "[1]");
    assert_eq!(fixture.own_token().await, "own-2");
}

#[tokio::test]
async fn a_peer_that_refuses_every_token_is_no_reason_to_ask_for_many() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(only("none")));
    let fixture = Fixture::new(&tokens);
    for _ in 0..50 {
        let answer = fixture.client.get(peer.url("/")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!((tokens.times_asked(), peer.times_asked()), (2, 51));
    fixture.clock.advance(Duration::from_secs(1));
    peer.behave(only("own-3"));
    assert_eq!(fixture.client.get(peer.url("/")).send().await.unwrap().status(), StatusCode::OK);
    let refused = format!(r#"test_service_calls_total{{peer="{}",outcome="refused"}}"#, peer.url(""));
    assert_eq!(fixture.number(&refused), Some(50));
}

#[tokio::test]
async fn a_token_that_allows_too_little_is_renewed_for_the_next_calls() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(200)));
    let fixture = Fixture::new(&tokens);
    let challenge = r#"Bearer realm="x", error="insufficient_scope", scope="y""#;
    peer.behave(move |_, _| Reply::status(403).with_header("WWW-Authenticate", challenge));
    assert_eq!(fixture.client.get(peer.url("/")).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    until("a new token", async || fixture.own_token().await == "own-2").await;
    for _ in 0..20 {
        fixture.client.get(peer.url("/")).send().await.unwrap();
    }
    assert_eq!(tokens.times_asked(), 2);
}

#[tokio::test]
async fn an_answer_of_another_status_is_the_callers() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(404)));
    let fixture = Fixture::new(&tokens);
    peer.behave(|_, _| {
        let problem = Reply::status(409).with_header("Content-Type", "application/problem+json; charset=utf-8");
        problem.with_body(r#"{"type":"about:blank","status":409,"code":"name_taken"}"#)
    });
    let answer = fixture.client.put(peer.url("/a")).send().await.unwrap();
    assert_eq!((answer.status(), answer.problem_code().await.as_deref()), (StatusCode::CONFLICT, Some("name_taken")));
    let error = fixture.client.put(peer.url("/a?secret=1")).send().await.unwrap().success().await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} answered with status 409 (name_taken)", peer.url("")));
}

#[tokio::test]
async fn a_call_that_cannot_be_made_is_not_made() {
    let tokens = Server::of_tokens();
    let client = Fixture::new(&tokens).client;
    for call in [
        client.get("nowhere"),
        client.get("file:///etc/passwd"),
        client.get("http://user:hunter2@127.0.0.1/"),
        client.get("http://127.0.0.1/").header("a b", "c"),
        client.request(Method::GET, "http://127.0.0.1/").header("a", "b\nc"),
    ] {
        let error = call.send().await.unwrap_err();
        assert!(matches!(error, CallError::Request(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }
    assert_eq!(tokens.times_asked(), 0);
}
