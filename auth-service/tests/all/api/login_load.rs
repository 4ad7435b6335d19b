//! More logins than can be hashed: some wait, the others are told at once, and whoever goes away costs nothing.

use std::thread::available_parallelism;

use reqwest::Method;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::support::{
    answer::Answer,
    service::{Backend::Sqlite, Person, TestService},
    wait::until,
};

/// A service whose hashes take long enough to look at the queue meanwhile.
async fn slow_service(settings: &[(&str, &str)]) -> TestService {
    let slow = [("AUTH_BCRYPT_COST", "12"), ("AUTH_TRUSTED_PROXIES", "127.0.0.1/32")];
    TestService::start_with(Sqlite, &[&slow, settings].concat()).await
}

/// A login, each from an address of its own.
fn login(service: &TestService, number: usize) -> impl Future<Output = Answer> + use<> {
    let body = json!({"username": format!("user{number}"), "password": "a-wrong-one"});
    let from = format!("203.0.{}.{}", number / 256, number % 256);
    Answer::of(service.request(Method::POST, "/auth/login").header("X-Forwarded-For", from).json(&body))
}

/// Every thread hashes, for a while.
async fn keep_every_thread_busy(service: &TestService) -> (usize, JoinSet<Answer>) {
    let threads = available_parallelism().unwrap().get();
    let mut logins = JoinSet::new();
    for number in 0..threads {
        logins.spawn(login(service, number));
    }
    until("every thread hashes", async || service.metric("auth_bcrypt_hashes_total").await == threads as u64).await;
    (threads, logins)
}

#[tokio::test]
async fn the_job_of_a_client_that_went_away_is_dropped_before_it_starts() {
    let service = slow_service(&[]).await;
    let (threads, busy) = keep_every_thread_busy(&service).await;
    let address = service.public().strip_prefix("http://").unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    let body = json!({"username": "ada", "password": "a-wrong-one"}).to_string();
    let head = format!("Host: latchkey\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    client.write_all(format!("POST /auth/login HTTP/1.1\r\n{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
    until("the login waits", async || service.metric("auth_bcrypt_queue_length").await == 1).await;
    drop(client);
    let gone = r#"auth_http_requests_total{method="POST",route="/auth/login",status="499"}"#;
    until("the server has noticed", async || service.metric(gone).await == 1).await;
    for answer in busy.join_all().await {
        assert_eq!(answer.status, 401, "{answer}");
    }
    until("the queue is empty", async || service.metric("auth_bcrypt_queue_length").await == 0).await;
    assert_eq!(service.metric("auth_bcrypt_hashes_total").await, threads as u64);
}

#[tokio::test]
async fn a_full_queue_is_said_at_once_and_other_requests_go_on() {
    let service = slow_service(&[("AUTH_BCRYPT_QUEUE", "1")]).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let before = service.metric("auth_bcrypt_hashes_total").await;
    let threads = available_parallelism().unwrap().get();
    let mut logins = JoinSet::new();
    for number in 0..threads + 20 {
        logins.spawn(login(&service, number));
    }
    let mut refused = 0;
    while let Some(answer) = logins.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 503 {
            refused += 1;
            assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("unavailable", Some("1")), "{answer}");
        } else {
            assert_eq!(answer.status, 401, "{answer}");
        }
        if refused == 1 {
            assert_eq!(service.get_as(&tokens.access, "/auth/me").await.status, 200);
        }
    }
    assert!(refused > 0);
    let hashed = service.metric("auth_bcrypt_hashes_total").await - before;
    assert_eq!(hashed + refused, threads as u64 + 20);
    assert_eq!(service.metric("auth_bcrypt_turned_away_total").await, refused);
    assert_eq!(service.metric(r#"auth_logins_total{outcome="busy"}"#).await, refused);
}

#[tokio::test]
async fn one_address_leaves_three_quarters_of_the_queue_to_others() {
    let service = slow_service(&[("AUTH_BCRYPT_QUEUE", "8")]).await;
    let mut floods = JoinSet::new();
    for number in 0..40 {
        let body = json!({"username": format!("user{number}"), "password": "a-wrong-one"});
        let request = service.request(Method::POST, "/auth/login").header("X-Forwarded-For", "203.0.113.9").json(&body);
        floods.spawn(async move { Answer::of(request).await.status });
    }
    // Its share is two places: whichever others come are turned away, and somebody else still gets in.
    let refused = r#"auth_logins_total{outcome="busy"}"#;
    until("some are turned away", async || service.metric(refused).await > 0).await;
    assert_eq!(login(&service, 0).await.status, 401);
    let statuses = floods.join_all().await;
    assert!(statuses.iter().all(|status| matches!(status, 401 | 503)), "{statuses:?}");
}

#[tokio::test]
async fn a_password_is_hashed_anew_at_the_first_login_after_the_cost_has_changed() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let dearer = service.replica_with(&[("AUTH_BCRYPT_COST", "5")]).await;
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let tokens = dearer.log_in(&ada).await;
        assert_eq!(dearer.get_as(&tokens.access, "/auth/me").await.status, 200);
        hashes.push(dearer.metric("auth_bcrypt_hashes_total").await);
    }
    assert_eq!(hashes, [2, 3], "verified and hashed, then only verified");
    // Sessions from before go on, and the password still opens.
    let tokens = service.log_in(&ada).await;
    let change = json!({"current_password": ada.password, "new_password": "copper-violet-harbour-4"});
    assert_eq!(dearer.post_as(&tokens.access, "/auth/password", change).await.status, 204);
}

#[tokio::test]
async fn a_wrong_password_changes_no_hash() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let dearer = service.replica_with(&[("AUTH_BCRYPT_COST", "5")]).await;
    let wrong = Person { password: "a-wrong-one".to_owned(), ..ada.clone() };
    assert_eq!(dearer.try_log_in(&wrong, json!(null)).await.status, 401);
    service.log_in(&ada).await;
    assert_eq!(
        service.metric("auth_bcrypt_hashes_total").await,
        2,
        "for registration and login: the cost is that of before"
    );
}
