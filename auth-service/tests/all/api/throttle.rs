//! Guessing online: how much of it passes, and that the owner still gets in.

use std::time::Duration;

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    process::run,
    support::{
        answer::Answer,
        service::{
            Backend::{self, PostgresAndRedis, Sqlite},
            TestService,
        },
    },
};

/// A service that believes what the tests say about addresses.
async fn service(backend: Backend) -> TestService {
    TestService::start_with(backend, &[("AUTH_TRUSTED_PROXIES", "127.0.0.1/32")]).await
}

const PASSWORD: &str = "plum-anvil-tundra-9";
const HOME: &str = "198.51.100.7";

fn bot(number: u32) -> String {
    format!("203.{}.{}.9", number / 256, number % 256)
}

fn retry_after(answer: &Answer) -> u64 {
    assert_eq!((answer.status, answer.code().as_str()), (429, "too_many_attempts"), "{answer}");
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[rstest]
#[tokio::test]
async fn after_five_failures_an_address_waits_longer_and_longer(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = service(backend).await;
    service.registered("ada").await;
    for _ in 0..5 {
        assert_eq!(service.try_log_in_from(HOME, "ada", "a-wrong-one").await.status, 401);
    }
    for seconds in [1, 2, 4] {
        let refused = service.try_log_in_from(HOME, "ada", PASSWORD).await;
        assert_eq!(retry_after(&refused), seconds, "the right password has to wait too");
        service.clock.advance(Duration::from_secs(seconds));
        assert_eq!(service.try_log_in_from(HOME, "ada", "a-wrong-one").await.status, 401);
    }
    service.clock.advance(Duration::from_secs(8));
    assert_eq!(service.try_log_in_from(HOME, "ada", PASSWORD).await.status, 200);
    assert_eq!(service.try_log_in_from(HOME, "ada", "a-wrong-one").await.status, 401, "the failures are forgotten");
    assert_snapshot!(service.metric(r#"auth_logins_total{outcome="throttled"}"#).await, @"3");
}

#[tokio::test]
async fn the_answer_says_how_long_to_wait_and_nothing_else() {
    let service = service(Sqlite).await;
    for _ in 0..5 {
        service.try_log_in_from(HOME, "nobody", "a-wrong-one").await;
    }
    assert_snapshot!(service.try_log_in_from(HOME, "nobody", "a-wrong-one").await, @r#"
    429
    cache-control: no-store
    content-type: application/problem+json
    retry-after: 1
    {
      "code": "too_many_attempts",
      "detail": "Too many attempts have failed; wait and try again",
      "request_id": "[request_id]",
      "status": 429,
      "title": "Too Many Requests",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_name_that_nobody_has_is_limited_like_one_that_somebody_has(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let service = service(backend).await;
    service.registered("ada").await;
    let statuses = async |name: &str| {
        let mut statuses = Vec::new();
        for _ in 0..8 {
            statuses.push(service.try_log_in_from(HOME, name, "a-wrong-one").await.status);
        }
        statuses
    };
    let known = statuses("ada").await;
    assert_eq!(known, [401, 401, 401, 401, 401, 429, 429, 429]);
    assert_eq!(statuses("nobody").await, known);
    assert_eq!(statuses("no such name at all").await, known);
}

#[rstest]
#[tokio::test]
async fn a_botnet_on_one_account_does_not_lock_its_owner_out(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = service(backend).await;
    service.registered("ada").await;
    assert_eq!(service.try_log_in_from(HOME, "ada", PASSWORD).await.status, 200);
    let mut guesses = 0;
    for round in 0..3 {
        for number in 0..40 {
            let answer = service.try_log_in_from(&bot(number), "ada", "a-wrong-one").await;
            match answer.status {
                401 => guesses += 1,
                _ => assert!(retry_after(&answer) <= 2, "{answer}"),
            }
            // In between, from where the owner has been before: at once, every time.
            if number == 30 {
                let own = service.try_log_in_from(HOME, "ada", PASSWORD).await;
                assert_eq!(own.status, 200, "round {round}: {own}");
            }
        }
    }
    assert!(guesses < 60, "{guesses} guesses of 120 passed");
    // From a device that is new: two seconds later, whatever the botnet does meanwhile.
    let abroad = "192.0.2.77";
    assert_eq!(retry_after(&service.try_log_in_from(abroad, "ada", PASSWORD).await), 2);
    for number in 0..40 {
        service.try_log_in_from(&bot(number), "ada", "a-wrong-one").await;
    }
    service.clock.advance(Duration::from_secs(2));
    for number in 0..40 {
        service.try_log_in_from(&bot(number), "ada", "a-wrong-one").await;
    }
    assert_eq!(service.try_log_in_from(abroad, "ada", PASSWORD).await.status, 200);
    // And from now on it is a device like the other.
    assert_eq!(service.try_log_in_from(abroad, "ada", PASSWORD).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn one_address_tries_a_hundred_accounts_and_no_more(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = service(backend).await;
    for number in 0..100 {
        let answer = service.try_log_in_from("203.0.113.9", &format!("user{number}"), "password1").await;
        assert_eq!(answer.status, 401, "{number}: {answer}");
    }
    let refused = service.try_log_in_from("203.0.113.9", "user100", "password1").await;
    assert_eq!(retry_after(&refused), 600);
    assert_eq!(service.try_log_in_from("203.0.113.10", "user100", "password1").await.status, 401);
    service.clock.advance(Duration::from_mins(10));
    assert_eq!(service.try_log_in_from("203.0.113.9", "user100", "password1").await.status, 401);
}

#[rstest]
#[tokio::test]
async fn two_replicas_count_together(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = service(backend).await;
    let replica = service.replica().await;
    let mut guesses = JoinSet::new();
    for number in 0..40 {
        let one = if number % 2 == 0 { &service } else { &replica };
        let body = json!({"username": "ada", "password": "a-wrong-one"});
        let request = one.request(Method::POST, "/auth/login").header("X-Forwarded-For", HOME).json(&body);
        guesses.spawn(Answer::of(request));
    }
    let statuses: Vec<_> = guesses.join_all().await.into_iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
}

#[tokio::test]
async fn a_stolen_access_token_does_not_get_around_it() {
    let service = service(Sqlite).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let from = async |path: &str, body| {
        let request = service.request(Method::POST, path).header("X-Forwarded-For", "203.0.113.9");
        Answer::of(request.bearer_auth(&tokens.access).json(&body)).await
    };
    let guess = json!({"current_password": "a-wrong-one", "new_password": "copper-violet-harbour-4"});
    for _ in 0..3 {
        assert_eq!(from("/auth/password", guess.clone()).await.code(), "wrong_password");
    }
    for _ in 0..2 {
        assert_eq!(from("/auth/reauth", json!({"password": "a-wrong-one"})).await.code(), "wrong_password");
    }
    retry_after(&from("/auth/password", guess).await);
    retry_after(&from("/auth/reauth", json!({"password": ada.password})).await);
    retry_after(&service.try_log_in_from("203.0.113.9", "ada", PASSWORD).await);
}

#[tokio::test]
async fn a_hundred_registrations_an_address() {
    let service = service(Sqlite).await;
    let register = async |number: u32| {
        let body = json!({"username": format!("user{number}"), "password": PASSWORD});
        let request = service.request(Method::POST, "/auth/register").header("X-Forwarded-For", "203.0.113.9");
        Answer::of(request.json(&body)).await
    };
    for number in 0..100 {
        assert_eq!(register(number).await.status, 201);
    }
    assert_eq!(retry_after(&register(100).await), 600);
}

#[tokio::test]
async fn the_secret_of_a_client_is_guessed_no_faster() {
    let service = service(Sqlite).await;
    let added = run(&service.variables, &["client", "add", "reports", "--json"], "");
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    let secret = added["client_secret"].as_str().unwrap();
    let ask = async |from: &str, secret: &str| {
        let request = service.request(Method::POST, "/oauth/token").header("X-Forwarded-For", from);
        Answer::of(request.basic_auth("reports", Some(secret)).form(&[("grant_type", "client_credentials")])).await
    };
    assert_eq!(ask(HOME, secret).await.status, 200);
    for _ in 0..5 {
        assert_eq!(ask(&bot(1), "a-guess").await.status, 401);
    }
    assert_snapshot!(ask(&bot(1), "a-guess").await, @r#"
    429
    cache-control: no-store
    content-type: application/json
    retry-after: 1
    {
      "error": "temporarily_unavailable",
      "error_description": "Too many attempts have failed; wait and try again"
    }
    "#);
    for from in [HOME, &bot(1)] {
        assert_eq!(ask(from, secret).await.status, 200, "whoever has it need not wait");
    }
    service.audit_written().await;
    let refused = service.audit_events("client_refused").await;
    assert_eq!((refused.len(), refused[0].client.as_deref()), (5, Some("reports")));
    assert_eq!(service.audit_events("throttled").await.len(), 1);
}

#[tokio::test]
async fn what_is_wrong_in_form_is_said_before_anything_is_counted() {
    let service = service(Sqlite).await;
    for _ in 0..10 {
        let long = "x".repeat(72);
        assert_eq!(service.try_log_in_from(HOME, "ada", &long).await.status, 400);
    }
    assert_eq!(service.try_log_in_from(HOME, "ada", "a-wrong-one").await.status, 401);
}

#[tokio::test]
async fn reaching_a_limit_is_in_the_audit_trail_once() {
    let service = service(Sqlite).await;
    for _ in 0..9 {
        service.try_log_in_from(HOME, "ada", "a-wrong-one").await;
    }
    service.audit_written().await;
    let events = service.audit_events("throttled").await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].detail["limit"], "pair");
    assert_eq!(events[0].address, Some(HOME.parse().unwrap()));
    assert_eq!(service.audit_events("login_failed").await.len(), 5);
}
