//! Peers that mean harm, or are broken.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use common::service_client::{CallError, Limits, NoAnswer, StatusCode};

use crate::support::{Fixture, IMPATIENT, Reply, Server};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A server that reads a request and then writes whatever `write` does.
fn raw(write: impl Fn(&mut TcpStream) + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            thread::spawn(move || {
                let mut head = [0; 4096];
                if let Ok(1..) = connection.read(&mut head) {
                    write(&mut connection);
                }
            });
        }
    });
    format!("http://{address}")
}

/// Writes `piece` for ever, or until nobody reads.
fn trickle(connection: &mut TcpStream, piece: &[u8], pause: Duration) {
    while connection.write_all(piece).is_ok() {
        thread::sleep(pause);
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_read_up_to_the_limit() {
    let tokens = Server::of_tokens();
    let client = Fixture::new(&tokens).client;
    let peer = raw(|connection| {
        connection.write_all(HEAD).unwrap();
        trickle(connection, format!("1000\r\n{}\r\n", "x".repeat(0x1000)).as_bytes(), Duration::ZERO);
    });
    let call = || client.get(format!("{peer}/?q=hunter2"));
    let error = call().send().await.unwrap().json::<u32>().await.unwrap_err();
    assert_eq!(error, CallError::TooLong { peer: peer.clone(), limit: 1024 * 1024 });
    let error = call().longest_answer(1_000).send().await.unwrap().json::<u32>().await.unwrap_err();
    assert_eq!(error, CallError::TooLong { peer: peer.clone(), limit: 1_000 });
    let error = call().send().await.unwrap().bytes(5_000).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{peer} answered with more than 5000 bytes"));
}

#[tokio::test]
async fn an_answer_that_comes_drop_by_drop_is_read_until_the_time_is_over() {
    let tokens = Server::of_tokens();
    let limits = Limits { whole_call: Duration::from_millis(800), ..IMPATIENT };
    let client = Fixture::new(&tokens).client;
    let slow_body = raw(|connection| {
        connection.write_all(HEAD).unwrap();
        trickle(connection, b"1\r\nx\r\n", Duration::from_millis(50));
    });
    let slow_head = raw(|connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\nX-Drop: ").unwrap();
        trickle(connection, b"x", Duration::from_millis(50));
    });
    for peer in [slow_body, slow_head] {
        let start = Instant::now();
        let error = match client.post(&peer).limits(limits).send().await {
            Ok(answer) => answer.json::<u32>().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error, CallError::NoAnswer { peer, why: NoAnswer::NotInTime });
        assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_goes_nowhere_else() {
    let (tokens, elsewhere) = (Server::of_tokens(), Server::start(|_, _| Reply::status(200)));
    let location = elsewhere.url("/");
    let peer = Server::start(move |_, number| {
        Reply::status([301, 302, 303, 307, 308][number % 5]).with_header("Location", &location)
    });
    let client = Fixture::new(&tokens).client;
    for _ in 0..5 {
        let answer = client.get(peer.url("/")).send().await.unwrap();
        assert!(answer.status().is_redirection());
        assert!(matches!(answer.success().await, Err(CallError::Status { code: None, .. })));
    }
    assert_eq!(elsewhere.times_asked(), 0);
}

#[tokio::test]
async fn what_cannot_be_understood_is_said_to_be_that() {
    let tokens = Server::of_tokens();
    let client = Fixture::new(&tokens).client;
    let garbage = Server::start(|_, _| Reply::json("{\"n\": hunter2"));
    let error = client.get(garbage.url("/")).send().await.unwrap().json::<u32>().await.unwrap_err();
    assert_eq!(error, CallError::NotUnderstood { peer: garbage.url("") });
    let problem = Reply::status(400).with_header("Content-Type", "application/problem+json");
    for body in ["{", r#"{"code":"<script>"}"#, r#"{"code":7}"#, "{}"] {
        let reply = problem.clone().with_body(body);
        garbage.behave(move |_, _| reply.clone());
        assert_eq!(client.get(garbage.url("/")).send().await.unwrap().problem_code().await, None, "{body}");
    }
    garbage.behave(|_, _| Reply::status(400).with_body(r#"{"code":"not_a_problem_document"}"#));
    assert_eq!(client.get(garbage.url("/")).send().await.unwrap().problem_code().await, None);
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_tried_again_where_that_is_safe() {
    let tokens = Server::of_tokens();
    let client = Fixture::new(&tokens).client;
    let broken = raw(|connection| drop(connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Le")));
    let error = client.get(&broken).send().await.unwrap_err();
    assert_eq!(error, CallError::NoAnswer { peer: broken, why: NoAnswer::BrokenOff });
    let cut = raw(|connection| drop(connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")));
    let answer = client.get(&cut).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.bytes(1_000).await.unwrap_err(), CallError::NoAnswer { peer: cut, why: NoAnswer::BrokenOff });
}
