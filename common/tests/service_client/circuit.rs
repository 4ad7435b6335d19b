//! A peer that keeps failing is left alone, and looked at from time to time.

use std::time::{Duration, Instant};

use common::service_client::{CallError, NoAnswer, StatusCode};
use tokio::task::JoinSet;

use crate::support::{Fixture, IMPATIENT, NEVER, Reply, Server};

/// The pauses of a circuit, at most.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const SECOND_PAUSE: Duration = Duration::from_secs(4);

#[tokio::test]
async fn it_opens_fails_fast_looks_once_and_closes() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(503)));
    let fixture = Fixture::new(&tokens);
    let state = format!(r#"test_service_circuit_state{{peer="{}"}}"#, peer.url(""));
    let post = async || fixture.client.post(peer.url("/x?token=hunter2")).send().await;
    for _ in 0..5 {
        assert_eq!(post().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(fixture.number(&state), Some(2));

    let start = Instant::now();
    for _ in 0..100 {
        let error = post().await.unwrap_err();
        assert!(matches!(error, CallError::LeftAlone { .. }), "{error}");
        assert!(error.to_string().starts_with(&peer.url("")) && !error.to_string().contains("hunter2"), "{error}");
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(peer.times_asked(), 5);
    let left_alone = format!(r#"test_service_calls_total{{peer="{}",outcome="left_alone"}}"#, peer.url(""));
    assert_eq!(fixture.number(&left_alone), Some(100));

    fixture.clock.advance(FIRST_PAUSE);
    assert_eq!(post().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(post().await.is_err());
    assert_eq!((peer.times_asked(), fixture.number(&state)), (6, Some(2)));

    fixture.clock.advance(SECOND_PAUSE);
    peer.behave(|_, _| Reply::status(200).after(Duration::from_millis(1_500)));
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let call = fixture.client.get(peer.url("/"));
        callers.spawn(async move { call.send().await.is_ok() });
    }
    let answered = callers.join_all().await.into_iter().filter(|is_answered| *is_answered).count();
    assert_eq!((answered, peer.times_asked(), fixture.number(&state)), (1, 7, Some(0)));
    assert!(post().await.is_ok());
}

#[tokio::test]
async fn a_probe_under_way_is_seen_and_one_that_is_given_up_makes_room() {
    let (tokens, peer) = (Server::of_tokens(), Server::start(|_, _| Reply::status(503)));
    let fixture = Fixture::new(&tokens);
    let state = format!(r#"test_service_circuit_state{{peer="{}"}}"#, peer.url(""));
    for _ in 0..5 {
        fixture.client.post(peer.url("/")).send().await.unwrap();
    }
    fixture.clock.advance(FIRST_PAUSE);
    peer.behave(|_, _| Reply::status(200).after(NEVER));
    let call = fixture.client.post(peer.url("/"));
    let probe = tokio::spawn(async move { call.send().await });
    crate::support::until("the probe", async || peer.times_asked() == 6).await;
    assert_eq!(fixture.number(&state), Some(1));
    probe.abort();
    assert!(probe.await.is_err());
    peer.behave(|_, _| Reply::status(200));
    assert_eq!(fixture.client.post(peer.url("/")).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(fixture.number(&state), Some(0));
}

#[tokio::test]
async fn a_peer_that_hangs_or_is_not_there_opens_it_and_another_peer_is_untouched() {
    let (tokens, hanging) = (Server::of_tokens(), Server::start(|_, _| Reply::status(200).after(NEVER)));
    let (gone, sound) = (Server::start(|_, _| Reply::status(200)), Server::start(|_, _| Reply::status(404)));
    gone.stop().await;
    let fixture = Fixture::new(&tokens);
    for (peer, expected) in [(&hanging, NoAnswer::NotInTime), (&gone, NoAnswer::NoConnection)] {
        // Five tries: three, and two until it opens.
        for _ in 0..2 {
            let error = fixture.client.get(peer.url("/")).limits(IMPATIENT).send().await.unwrap_err();
            assert_eq!(error, CallError::NoAnswer { peer: peer.url(""), why: expected });
        }
        let error = fixture.client.get(peer.url("/")).limits(IMPATIENT).send().await.unwrap_err();
        assert!(matches!(error, CallError::LeftAlone { .. }), "{error}");
    }
    assert_eq!(hanging.times_asked(), 5);
    for _ in 0..20 {
        assert_eq!(fixture.client.get(sound.url("/")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    }
}
