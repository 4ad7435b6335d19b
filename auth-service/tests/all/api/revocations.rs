//! `GET /internal/revocations`

use std::time::{Duration, Instant};

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    process::{run, text},
    support::{
        answer::Answer,
        service::{
            Backend::{self, PostgresAndRedis, Sqlite},
            TestService,
        },
        token::claims,
    },
};

/// A token for the feed, or for another scope.
pub(super) async fn token_for(service: &TestService, scope: &str) -> String {
    let name = format!("mirror-{}", scope.replace(':', "-"));
    let output = run(&service.variables, &["client", "add", &name, "--scope", scope, "--json"], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let client: Value = serde_json::from_slice(&output.stdout).unwrap();
    let request = service.request(Method::POST, "/oauth/token").basic_auth(&name, client["client_secret"].as_str());
    Answer::of(request.form(&[("grant_type", "client_credentials")])).await.member("access_token")
}

struct Feed<'s> {
    service: &'s TestService,
    token: String,
    cursor: String,
}

impl<'s> Feed<'s> {
    /// At the end of the log.
    async fn of(service: &'s TestService) -> Self {
        let token = token_for(service, "revocations:read").await;
        let mut feed = Self { service, token, cursor: String::new() };
        let snapshot = feed.ask("").await.json();
        assert_eq!(snapshot["snapshot"], true);
        feed.cursor = snapshot["cursor"].as_str().unwrap().to_owned();
        while !feed.next(0).await.is_empty() {}
        feed
    }

    async fn ask(&self, query: &str) -> Answer {
        Answer::of(self.service.internal_request(&format!("/internal/revocations{query}")).bearer_auth(&self.token))
            .await
    }

    /// What is new, after a wait of up to so many seconds where nothing is.
    async fn next(&mut self, wait: u64) -> Vec<Value> {
        let answer = self.ask(&format!("?after={}&wait={wait}", self.cursor)).await;
        assert_eq!(answer.status, 200, "{answer}");
        let answer = answer.json();
        assert_eq!(answer["snapshot"], false);
        answer["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        answer["entries"].as_array().unwrap().clone()
    }

    /// Waits until all of these sessions are named.
    async fn wait_for(&mut self, sessions: &[String]) {
        let begun = Instant::now();
        let mut missing = sessions.to_vec();
        while !missing.is_empty() {
            let left = Duration::from_secs(20).saturating_sub(begun.elapsed()).as_secs();
            assert!(left > 0, "not said: {missing:?}");
            for entry in self.next(left).await {
                assert_eq!(entry["before"], Value::Null);
                missing.retain(|sid| entry["kind"] != "sid" || entry["id"] != json!(sid));
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "after {:?}", begun.elapsed());
    }
}

async fn log_out(service: &TestService, token: &str, path: &str) {
    let answer = Answer::of(service.request(Method::POST, path).bearer_auth(token)).await;
    assert_eq!(answer.status, 204, "{answer}");
}

fn sid(token: &str) -> String {
    claims(token)["sid"].as_str().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn every_end_of_a_session_is_told_within_a_second(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let mut feed = Feed::of(&service).await;

    let tokens = service.log_in(&ada).await;
    log_out(&service, &tokens.access, "/auth/logout").await;
    feed.wait_for(&[sid(&tokens.access)]).await;

    let (one, two) = (service.log_in(&ada).await, service.log_in(&ada).await);
    service.delete_as(&one.access, &format!("/auth/sessions/{}", sid(&two.access))).await;
    feed.wait_for(&[sid(&two.access)]).await;

    let script = service.try_log_in(&ada, json!("access_only")).await.member("access_token");
    let change = json!({"current_password": ada.password, "new_password": "velvet-otter-41-canyon"});
    assert_eq!(service.post_as(&one.access, "/auth/password", change).await.status, 204);
    feed.wait_for(&[sid(&script)]).await;

    log_out(&service, &one.access, "/auth/logout-all").await;
    feed.wait_for(&[sid(&one.access)]).await;

    let eve = service.registered("eve").await;
    let stolen = service.log_in(&eve).await;
    let child = service.refresh(&stolen.refresh).await.tokens();
    service.clock.advance(Duration::from_secs(100));
    service.refresh(&child.refresh).await;
    assert_eq!(service.refresh(&stolen.refresh).await.code(), "token_reused");
    feed.wait_for(&[sid(&stolen.access)]).await;

    let disabled = service.log_in(&eve).await;
    assert!(run(&service.variables, &["user", "disable", "eve"], "").status.success());
    // The running service looks at the outbox twice a second.
    feed.wait_for(&[sid(&disabled.access)]).await;
}

#[rstest]
#[tokio::test]
async fn another_replica_tells_it_too(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let other = service.replica().await;
    let ada = service.registered("ada").await;
    let mut feed = Feed::of(&other).await;
    let tokens = service.log_in(&ada).await;
    let (told, ()) = tokio::join!(feed.next(20), log_out(&service, &tokens.access, "/auth/logout"));
    // In a shared Redis there may be others' entries.
    if !told.iter().any(|entry| entry["id"] == json!(sid(&tokens.access))) {
        feed.wait_for(&[sid(&tokens.access)]).await;
    }
}

#[tokio::test]
async fn whoever_is_no_mirror_is_told_nothing() {
    let service = TestService::start(Sqlite).await;
    let path = "/internal/revocations";
    assert_eq!(service.manage(path).await.code(), "missing_token");
    let ada = service.registered("ada").await;
    let user = service.log_in(&ada).await.access;
    let other = token_for(&service, "notes:read").await;
    for (token, code) in [(user, "services_only"), (other, "insufficient_scope"), ("x".to_owned(), "invalid_token")] {
        assert_eq!(Answer::of(service.internal_request(path).bearer_auth(token)).await.code(), code);
    }
    let mirror = token_for(&service, "revocations:read").await;
    assert_eq!(service.get_as(&mirror, path).await.code(), "not_found", "not on the public listener");
    assert!(run(&service.variables, &["client", "disable", "mirror-revocations-read"], "").status.success());
    assert_eq!(Answer::of(service.internal_request(path).bearer_auth(mirror)).await.code(), "invalid_token");
}

#[rstest]
#[case("?after=x", 400, "bad_request")]
#[case("?after=a.b.c", 400, "bad_request")]
#[case("?after=&wait=1", 400, "bad_request")]
#[case("?wait=31", 400, "bad_request")]
#[case("?wait=-1", 400, "bad_request")]
#[case("?more=1", 400, "bad_request")]
#[case("?after=0000.12-abcdefgh", 410, "cursor_unknown")]
#[tokio::test]
async fn a_bad_question_is_answered_so(#[case] query: &str, #[case] status: u16, #[case] code: &str) {
    let service = TestService::start(Sqlite).await;
    let answer = Feed::of(&service).await.ask(query).await;
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer}");
}

#[tokio::test]
async fn nobody_who_waits_holds_up_the_end() {
    let service = TestService::start(Sqlite).await;
    let feed = Feed::of(&service).await;
    let url = format!("/internal/revocations?after={}&wait=25", feed.cursor);
    let waiting = tokio::spawn(service.internal_request(&url).bearer_auth(feed.token.clone()).send());
    let begun = Instant::now();
    while service.metric("auth_revocation_feed_waiting").await != 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody waits");
    }
    let begun = Instant::now();
    service.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(waiting.await.unwrap().unwrap().status(), 503);
}
