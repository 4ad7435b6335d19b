//! The service's own token: one request for all callers, renewed in time, and no storm when there is none.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use common::service_client::{CallError, ClientKey, ClientProof, Limits, NoAnswer, TokenError};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Fixture, IMPATIENT, NEVER, Reply, Server, issue, until};

#[tokio::test]
async fn a_thousand_callers_on_a_cold_cache_make_one_request() {
    let tokens = Server::start(|asked, number| issue(asked, number).after(Duration::from_millis(200)));
    let fixture = Fixture::new(&tokens);
    let mut callers = JoinSet::new();
    for _ in 0..1_000 {
        let client = fixture.client.clone();
        callers.spawn(async move { client.token().await.is_ok() });
    }
    assert!(callers.join_all().await.into_iter().all(|has_one| has_one));
    assert_eq!(tokens.times_asked(), 1);
    let issued = r#"test_service_token_requests_total{grant="client_credentials",outcome="issued"}"#;
    assert_eq!(fixture.number(issued), Some(1));
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_answer_to_the_others() {
    let tokens = Server::start(|asked, number| issue(asked, number).after(Duration::from_millis(300)));
    let fixture = Fixture::new(&tokens);
    let client = fixture.client.clone();
    let first = tokio::spawn(async move { client.token().await });
    until("the request", async || tokens.times_asked() == 1).await;
    first.abort();
    assert_eq!(fixture.own_token().await, "own-1");
    assert_eq!(tokens.times_asked(), 1);
}

#[tokio::test]
async fn the_endpoint_is_asked_as_the_standard_wants() {
    let tokens = Server::of_tokens();
    let fixture = Fixture::new(&tokens);
    fixture.own_token().await;
    let asked = &tokens.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/oauth/token"));
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(asked.form("grant_type"), ["client_credentials"]);
    let basic = asked.header("authorization").strip_prefix("Basic ").unwrap();
    assert_eq!(STANDARD.decode(basic).unwrap(), b"reports%3A1:s3cret%2F%2B");
}

#[tokio::test]
async fn a_client_with_a_key_signs_instead() {
    let tokens = Server::of_tokens();
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","kid":"mine","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = ClientKey::parse(&jwk.to_owned().into()).unwrap();
    let public = key.public().numbers.decoding_key().unwrap();
    let fixture = Fixture::with_proof(&tokens, Limits::default(), ClientProof::Key(key));
    fixture.own_token().await;
    let asked = &tokens.asked()[0];
    assert_eq!(asked.header("authorization"), "");
    assert_eq!(asked.form("client_id"), ["reports:1"]);
    assert_eq!(asked.form("client_assertion_type"), ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]);
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    rules.set_audience(&[tokens.url("/oauth/token")]);
    // The clock stands still, in another year.
    rules.validate_exp = false;
    let assertion = &asked.form("client_assertion")[0];
    let read = jsonwebtoken::decode::<Value>(assertion, &public, &rules).unwrap();
    assert_eq!((read.header.kid.as_deref(), &read.claims["sub"]), (Some("mine"), &Value::from("reports:1")));
}

#[tokio::test]
async fn an_old_token_is_renewed_while_it_is_used() {
    let tokens = Server::of_tokens();
    let fixture = Fixture::new(&tokens);
    assert_eq!(fixture.own_token().await, "own-1");
    fixture.clock.advance(Duration::from_secs(239));
    assert_eq!(fixture.own_token().await, "own-1");
    assert_eq!(tokens.times_asked(), 1);
    tokens.behave(|asked, number| issue(asked, number).after(Duration::from_millis(2_500)));
    fixture.clock.advance(Duration::from_secs(1));
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(fixture.own_token().await, "own-1");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "nobody waits for the renewal");
    until("the renewal", async || fixture.own_token().await == "own-2").await;
    assert_eq!(tokens.times_asked(), 2);
}

#[tokio::test]
async fn while_auth_service_is_away_a_living_token_is_used_and_then_a_new_one() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::json("1")));
    let fixture = Fixture::new(&tokens);
    assert_eq!(fixture.own_token().await, "own-1");
    tokens.stop().await;
    // Old from 240 s on, used until 295 s.
    for _ in 0..29 {
        fixture.clock.advance(Duration::from_secs(10));
        let answer = fixture.client.get(peer.url("/")).send().await.unwrap();
        assert_eq!(answer.json::<u32>().await.unwrap(), 1);
    }
    fixture.clock.advance(Duration::from_secs(5));
    let error = fixture.client.get(peer.url("/")).send().await.unwrap_err();
    assert!(matches!(error, CallError::OwnToken(TokenError::NoAnswer(_) | TokenError::LeftAlone(_))), "{error}");
    tokens.restart();
    until("a token after the restart", async || {
        fixture.clock.advance(Duration::from_secs(1));
        fixture.client.get(peer.url("/")).send().await.is_ok()
    })
    .await;
    assert_eq!(peer.asked().last().unwrap().header("authorization"), "Bearer own-2");
}

#[tokio::test]
async fn a_failure_is_shared_by_all_who_ask_within_a_moment() {
    let tokens = Server::start(|_, _| Reply::status(500));
    let fixture = Fixture::new(&tokens);
    for _ in 0..100 {
        assert_eq!(fixture.client.token().await.unwrap_err(), CallError::OwnToken(TokenError::Status(500)));
    }
    assert_eq!(tokens.times_asked(), 1);
    fixture.clock.advance(Duration::from_millis(250));
    tokens.behave(issue);
    assert_eq!(fixture.own_token().await, "own-2");
}

#[tokio::test]
async fn an_endpoint_that_hangs_soon_costs_nobody_any_time() {
    let tokens = Server::start(|asked, number| issue(asked, number).after(NEVER));
    let fixture = Fixture::with_limits(&tokens, IMPATIENT);
    for _ in 0..5 {
        let error = fixture.client.token().await.unwrap_err();
        assert_eq!(error, CallError::OwnToken(TokenError::NoAnswer(NoAnswer::NotInTime)));
        // Over the pause after a failure.
        fixture.clock.advance(Duration::from_secs(4));
    }
    let peer = Server::start(|_, _| Reply::json("1"));
    fixture.clock.advance(Duration::from_secs(5));
    let probe = fixture.client.token().await.unwrap_err();
    assert_eq!(probe, CallError::OwnToken(TokenError::NoAnswer(NoAnswer::NotInTime)));
    let start = Instant::now();
    for _ in 0..100 {
        assert!(fixture.client.get(peer.url("/")).send().await.is_err());
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // On a busy machine a try that was given up may be made once more before it has reached anybody.
    assert!((6..10).contains(&tokens.times_asked()), "{}", tokens.times_asked());
    assert_eq!(peer.times_asked(), 0);
    let circuit = format!(r#"test_service_circuit_state{{peer="{}"}}"#, tokens.url("/oauth/token"));
    assert_eq!(fixture.number(&circuit), Some(2));
}

#[tokio::test]
async fn what_the_endpoint_says_wrongly_is_no_token() {
    let tokens = Server::of_tokens();
    let fixture = Fixture::new(&tokens);
    let oauth_error = |error: &str| Reply::status(401).with_body(&format!(r#"{{"error":"{error}"}}"#));
    let refused = TokenError::Refused("invalid_client".to_owned());
    for (reply, expected) in [
        (oauth_error("invalid_client"), refused),
        (oauth_error("Hunter 2"), TokenError::Status(401)),
        (Reply::status(302).with_header("Location", "http://elsewhere.example/"), TokenError::Status(302)),
        (Reply::json("{}"), TokenError::NotUnderstood),
        (Reply::json(&"x".repeat(100_000)), TokenError::NotUnderstood),
    ] {
        tokens.behave(move |_, _| reply.clone());
        assert_eq!(fixture.client.token().await.unwrap_err(), CallError::OwnToken(expected));
        fixture.clock.advance(Duration::from_secs(4));
    }
}

#[tokio::test]
async fn a_peer_that_refuses_everything_takes_the_token_from_nobody_while_there_is_no_other() {
    let tokens = Server::start(|asked, number| if number == 0 { issue(asked, number) } else { Reply::status(503) });
    let refusing = Server::start(|_, _| Reply::status(401));
    let peer = Server::start(|_, _| Reply::json("1"));
    let fixture = Fixture::new(&tokens);
    assert_eq!(fixture.client.get(peer.url("/")).send().await.unwrap().status(), 200);
    assert_eq!(fixture.client.get(refusing.url("/")).send().await.unwrap().status(), 401);
    assert_eq!(fixture.client.get(peer.url("/")).send().await.unwrap().status(), 200);
}
