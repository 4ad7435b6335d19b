//! How it ends: requests in flight finish.

use reqwest::Client;
use rustix::process::Signal;
use serde_json::json;

use super::Served;
use crate::support::{
    answer::Answer,
    database::{Kind, TestDatabase},
};

#[tokio::test]
async fn a_slow_request_in_flight_is_answered_after_sigterm() {
    let database = TestDatabase::empty(Kind::Sqlite);
    let mut served = Served::start(&[("AUTH_BCRYPT_COST", "14"), ("LOG_LEVEL", "info")], &database.address());
    let client = Client::builder().no_proxy().build().unwrap();
    let body = json!({"username": "ada", "password": "plum-anvil-tundra-9"});
    let request = Answer::of(client.post(format!("{}/auth/register", served.public)).json(&body));
    let request = tokio::spawn(request);
    // Hashing takes about a second. That it has begun is seen on the internal listener.
    let internal = served.internal.clone();
    loop {
        let metrics = Answer::of(client.get(format!("{internal}/metrics"))).await.text;
        if metrics.contains("auth_bcrypt_hashes_total 1") {
            break;
        }
        assert!(!request.is_finished(), "the request was too quick to be in flight");
        tokio::task::yield_now().await;
    }
    served.signal(Signal::TERM);
    let answer = request.await.unwrap();
    assert_eq!(answer.status, 201, "{answer}");
    let log = tokio::task::spawn_blocking(move || served.ended()).await.unwrap();
    assert!(log.contains("draining") && log.contains("stopped"), "{log}");
}
