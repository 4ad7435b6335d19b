//! Tokens on behalf of users: exchanged once, kept while they live, and not too many of them.

use std::time::Duration;

use common::{
    problem::Problem,
    service_client::{CallError, StatusCode, TokenError},
};
use secrecy::SecretString;
use tokio::task::JoinSet;

use crate::support::{Fixture, Reply, Server, issue};

const HITS: &str = r#"test_service_exchanged_token_lookups_total{result="hit"}"#;
const MISSES: &str = r#"test_service_exchanged_token_lookups_total{result="miss"}"#;

fn user_token(name: &str) -> SecretString {
    name.to_owned().into()
}

#[tokio::test]
async fn a_users_token_is_exchanged_once_for_each_purpose() {
    let tokens = Server::start(|asked, number| issue(asked, number).after(Duration::from_millis(100)));
    let peer = Server::start(|_, _| Reply::status(200));
    let fixture = Fixture::new(&tokens);
    let ada = fixture.client.on_behalf_of(&user_token("ada's")).audience("orders").audience("prices").scope("a b");
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let call = ada.post(peer.url("/")).json(&1);
        callers.spawn(async move { call.send().await.is_ok() });
    }
    assert!(callers.join_all().await.into_iter().all(|is_answered| is_answered));
    let asked = tokens.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].form("grant_type"), ["urn:ietf:params:oauth:grant-type:token-exchange"]);
    assert_eq!(asked[0].form("subject_token"), ["ada's"]);
    assert_eq!(asked[0].form("subject_token_type"), ["urn:ietf:params:oauth:token-type:access_token"]);
    assert_eq!(
        (asked[0].form("audience"), asked[0].form("scope")),
        (vec!["orders".into(), "prices".into()], vec!["a b".into()])
    );
    assert!(asked[0].header("authorization").starts_with("Basic "));
    assert!(peer.asked().iter().all(|asked| asked.header("authorization") == "Bearer user-1"));
    assert_eq!(fixture.number(MISSES), Some(1));

    fixture.client.on_behalf_of(&user_token("ada's")).audience("orders").get(peer.url("/")).send().await.unwrap();
    fixture.client.on_behalf_of(&user_token("bob's")).audience("orders").get(peer.url("/")).send().await.unwrap();
    assert_eq!(tokens.times_asked(), 3);
    let hits = fixture.number(HITS).unwrap_or(0);
    ada.get(peer.url("/")).send().await.unwrap();
    assert_eq!((tokens.times_asked(), fixture.number(HITS)), (3, Some(hits + 1)));
}

#[tokio::test]
async fn an_exchanged_token_is_not_used_after_its_end() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(200)));
    let fixture = Fixture::new(&tokens);
    let ada = fixture.client.on_behalf_of(&user_token("ada's"));
    ada.get(peer.url("/")).send().await.unwrap();
    fixture.clock.advance(Duration::from_secs(294));
    ada.get(peer.url("/")).send().await.unwrap();
    assert_eq!(tokens.times_asked(), 1);
    fixture.clock.advance(Duration::from_secs(1));
    ada.get(peer.url("/")).send().await.unwrap();
    let used: Vec<_> = peer.asked().iter().map(|asked| asked.header("authorization").to_owned()).collect();
    assert_eq!(used, ["Bearer user-1", "Bearer user-1", "Bearer user-2"]);
    assert_eq!(fixture.number("test_service_exchanged_tokens"), Some(1));
}

#[tokio::test]
async fn however_many_users_come_a_thousand_tokens_are_kept() {
    let tokens = Server::of_tokens();
    let fixture = Fixture::new(&tokens);
    for number in 0..1_200 {
        fixture.client.on_behalf_of(&user_token(&number.to_string())).token().await.unwrap();
    }
    let kept = fixture.number("test_service_exchanged_tokens").unwrap();
    assert!((500..=1_000).contains(&kept), "{kept}");
}

#[tokio::test]
async fn an_exchanged_token_that_is_refused_is_dropped_and_replaced_once() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(200)));
    let fixture = Fixture::new(&tokens);
    peer.behave(|asked, _| Reply::status(if asked.header("authorization") == "Bearer user-2" { 200 } else { 401 }));
    let ada = fixture.client.on_behalf_of(&user_token("ada's"));
    assert_eq!(ada.post(peer.url("/")).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!((tokens.times_asked(), peer.times_asked()), (2, 2));
    peer.behave(|_, _| Reply::status(401));
    for _ in 0..50 {
        assert_eq!(ada.get(peer.url("/")).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(tokens.times_asked(), 2, "not a request for every refusal");
    fixture.clock.advance(Duration::from_secs(1));
    ada.get(peer.url("/")).send().await.unwrap();
    assert_eq!(tokens.times_asked(), 3);
}

#[tokio::test]
async fn a_user_whose_session_is_over_is_told_so() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(200)));
    let fixture = Fixture::new(&tokens);
    tokens.behave(|_, _| Reply::status(400).with_body(r#"{"error":"invalid_grant"}"#));
    let call = fixture.client.on_behalf_of(&user_token("hunter2")).get(peer.url("/?q=hunter2"));
    let error = call.send().await.unwrap_err();
    assert_eq!(error, CallError::Exchange(TokenError::Refused("invalid_grant".to_owned())));
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    let problem = Problem::from(error);
    assert_eq!((problem.status(), problem.code(), peer.times_asked()), (401, "invalid_token", 0));
    let refused = r#"test_service_token_requests_total{grant="token_exchange",outcome="refused"}"#;
    assert_eq!(fixture.number(refused), Some(1));
}
