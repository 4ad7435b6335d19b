//! `GET /internal/deleted-users`

use rstest::rstest;
use serde_json::json;

use super::revocations::token_for;
use crate::support::{
    answer::Answer,
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        TestService,
    },
    token::claims,
};

const PATH: &str = "/internal/deleted-users";

/// Somebody who comes and goes; their id.
async fn deleted(service: &TestService, username: &str) -> String {
    let person = service.registered(username).await;
    let tokens = service.log_in(&person).await;
    assert_eq!(service.delete_as(&tokens.access, "/auth/me").await.status, 204);
    claims(&tokens.access)["sub"].as_str().unwrap().to_owned()
}

async fn ask(service: &TestService, token: &str, after: Option<&str>) -> Answer {
    let path = after.map_or(PATH.to_owned(), |cursor| format!("{PATH}?after={cursor}"));
    Answer::of(service.internal_request(&path).bearer_auth(token)).await
}

fn subjects(answer: &Answer) -> Vec<String> {
    let users = answer.json()["users"].as_array().unwrap().clone();
    users.iter().map(|user| user["sub"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn it_tells_who_went_in_their_order(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let token = token_for(&service, "users:deleted").await;
    assert_eq!(ask(&service, &token, None).await.json(), json!({"cursor": null, "users": []}));
    let (ada, bob) = (deleted(&service, "ada").await, deleted(&service, "bob").await);
    let all = ask(&service, &token, None).await;
    assert_eq!(subjects(&all), [ada.clone(), bob.clone()]);
    let (first, second) = (format!("1.{ada}"), format!("2.{bob}"));
    assert_eq!(all.member("cursor"), second);
    let at = service.audit_events("user_deleted").await[0].at.seconds();
    assert_eq!(all.json()["users"][1], json!({"sub": bob, "deleted_at": at}));

    assert_eq!(subjects(&ask(&service, &token, Some(&first)).await), std::slice::from_ref(&bob));
    let end = ask(&service, &token, Some(&second)).await;
    assert_eq!(end.json(), json!({"cursor": second, "users": []}));
    assert_eq!(subjects(&ask(&service.replica().await, &token, Some(&first)).await), [bob]);
}

#[tokio::test]
async fn whoever_need_not_know_is_told_nothing() {
    let service = TestService::start(Sqlite).await;
    assert_eq!(service.manage(PATH).await.code(), "missing_token");
    let ada = service.registered("ada").await;
    let user = service.log_in(&ada).await.access;
    let other = token_for(&service, "revocations:read").await;
    for (token, code) in [(user, "services_only"), (other, "insufficient_scope"), ("x".to_owned(), "invalid_token")] {
        assert_eq!(ask(&service, &token, None).await.code(), code);
    }
    let follower = token_for(&service, "users:deleted").await;
    assert_eq!(service.get_as(&follower, PATH).await.code(), "not_found", "not on the public listener");
}

#[rstest]
#[case("?after=x", 400, "bad_request")]
#[case("?wait=1", 400, "bad_request")]
#[case("?after=018f0000-0000-7000-8000-000000000000", 400, "bad_request")]
#[case("?after=1.018f0000-0000-7000-8000-000000000000", 410, "cursor_unknown")]
#[tokio::test]
async fn a_bad_question_is_answered_so(#[case] query: &str, #[case] status: u16, #[case] code: &str) {
    let service = TestService::start(Sqlite).await;
    let token = token_for(&service, "users:deleted").await;
    let answer = Answer::of(service.internal_request(&format!("{PATH}{query}")).bearer_auth(token)).await;
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer}");
}
