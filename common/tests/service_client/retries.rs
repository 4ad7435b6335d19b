//! What is tried again, how often, and until when.

use std::time::{Duration, Instant};

use common::service_client::{CallError, Limits, Method, NoAnswer, StatusCode};

use crate::support::{Fixture, IMPATIENT, NEVER, Reply, Server};

#[tokio::test]
async fn a_peer_that_is_away_for_a_moment_is_asked_again() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(200)));
    let fixture = Fixture::new(&tokens);
    for (status, method) in [(502, Method::PUT), (503, Method::DELETE), (504, Method::GET), (503, Method::OPTIONS)] {
        let before = peer.times_asked();
        peer.behave(move |_, number| Reply::status(if number < before + 2 { status } else { 200 }));
        let answer = fixture.client.request(method, peer.url("/")).send().await.unwrap();
        assert_eq!((answer.status(), peer.times_asked() - before), (StatusCode::OK, 3));
    }
    // A hundredth of a second is for clocks that do not agree.
    let at: Vec<Instant> = peer.asked().iter().map(|asked| asked.at).collect();
    assert!(at[1] - at[0] >= Duration::from_millis(40) && at[2] - at[1] >= Duration::from_millis(90));
}

#[tokio::test]
async fn three_tries_are_enough() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(503)));
    let fixture = Fixture::new(&tokens);
    let answer = fixture.client.get(peer.url("/")).send().await.unwrap();
    assert_eq!((answer.status(), peer.times_asked()), (StatusCode::SERVICE_UNAVAILABLE, 3));
    peer.behave(|_, _| Reply::status(500));
    let answer = fixture.client.get(peer.url("/")).send().await.unwrap();
    assert_eq!((answer.status(), peer.times_asked()), (StatusCode::INTERNAL_SERVER_ERROR, 4));
    let failed = format!(r#"test_service_calls_total{{peer="{}",outcome="peer_failed"}}"#, peer.url(""));
    assert_eq!(fixture.number(&failed), Some(2));
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(503)));
    let fixture = Fixture::new(&tokens);
    for method in [Method::POST, Method::PATCH] {
        let answer = fixture.client.request(method, peer.url("/")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(peer.times_asked(), 2);
    peer.behave(|_, _| Reply::status(200).after(NEVER));
    let error = fixture.client.post(peer.url("/")).limits(IMPATIENT).send().await.unwrap_err();
    assert_eq!(error, CallError::NoAnswer { peer: peer.url(""), why: NoAnswer::NotInTime });
    assert_eq!(peer.times_asked(), 3);
}

#[tokio::test]
async fn what_was_never_sent_is_sent_when_the_peer_is_back() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(201)));
    let fixture = Fixture::with_limits(&tokens, Limits { tries: 5, ..Limits::default() });
    fixture.own_token().await;
    peer.stop().await;
    let client = fixture.client.clone();
    let call = client.post(peer.url("/")).send();
    let (answer, ()) = tokio::join!(call, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        peer.restart();
    });
    assert_eq!((answer.unwrap().status(), peer.times_asked()), (StatusCode::CREATED, 1));
}

#[tokio::test]
async fn a_peer_may_ask_for_a_short_pause_and_not_for_a_long_one() {
    let tokens = Server::of_tokens();
    let busy = |seconds: &'static str| Reply::status(503).with_header("Retry-After", seconds);
    let peer = Server::start(move |_, number| if number == 0 { busy("1") } else { Reply::status(200) });
    let fixture = Fixture::new(&tokens);
    let start = Instant::now();
    assert_eq!(fixture.client.get(peer.url("/")).send().await.unwrap().status(), StatusCode::OK);
    assert!(start.elapsed() >= Duration::from_secs(1));
    peer.behave(move |_, _| busy("60"));
    let answer = fixture.client.get(peer.url("/")).send().await.unwrap();
    assert_eq!((answer.status(), peer.times_asked()), (StatusCode::SERVICE_UNAVAILABLE, 3));
}

#[tokio::test]
async fn a_call_ends_when_its_time_is_over_however_many_tries_are_left() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(200).after(NEVER)));
    let limits = Limits { whole_call: Duration::from_millis(2_500), tries: 5, ..IMPATIENT };
    let fixture = Fixture::new(&tokens);
    fixture.own_token().await;
    let start = Instant::now();
    let error = fixture.client.get(peer.url("/")).limits(limits).send().await.unwrap_err();
    assert_eq!(error, CallError::NoAnswer { peer: peer.url(""), why: NoAnswer::NotInTime });
    assert!((Duration::from_secs(2)..Duration::from_secs(6)).contains(&start.elapsed()));
    assert!((2..=3).contains(&peer.times_asked()), "{}", peer.times_asked());
}
