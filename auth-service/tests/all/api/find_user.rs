//! `GET /internal/users`: a service looks a user up by name.

use auth_service::domain::user::Identifier;
use serde_json::json;

use crate::support::{
    answer::Answer,
    service::{Backend, TestService},
};

async fn find(service: &TestService, token: &str, query: &str) -> Answer {
    Answer::of(service.internal_request(&format!("/internal/users{query}")).bearer_auth(token)).await
}

#[tokio::test]
async fn a_service_with_the_scope_finds_a_user_by_name() {
    let service = TestService::start(Backend::Sqlite).await;
    let client = service.client("notes", |rights| rights.scope = "users:read".parse().unwrap()).await;
    let token = service.own_token(&client).await;
    let body = json!({"username": "ada", "email": "ada@example.org", "password": "plum-anvil-tundra-9"});
    let ada = service.post("/auth/register", body).await;
    let found = find(&service, &token, "?username=Ada").await;
    assert_eq!((found.status, found.json()), (200, json!({"sub": ada.member("id"), "username": "ada"})));

    for query in ["?username=eve", "?username=ada@example.org", "?username=%00", "?username="] {
        assert_eq!(find(&service, &token, query).await.code(), "not_found", "{query}");
    }
    for query in ["", "?name=ada", "?username=ada&username=eve"] {
        assert_eq!(find(&service, &token, query).await.code(), "bad_request", "{query}");
    }
    service.operator().disable(&Identifier::parse("ada").unwrap()).await.unwrap();
    assert_eq!(find(&service, &token, "?username=ada").await.code(), "not_found");
}

#[tokio::test]
async fn nobody_else_finds_anybody() {
    let service = TestService::start(Backend::Sqlite).await;
    let client = service.client("notes", |rights| rights.scope = "notes:read".parse().unwrap()).await;
    let person = service.registered("ada").await;
    let user = service.log_in(&person).await;
    let answer = find(&service, &service.own_token(&client).await, "?username=ada").await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "insufficient_scope"));
    assert_eq!(find(&service, &user.access, "?username=ada").await.code(), "services_only");
    assert_eq!(service.manage("/internal/users?username=ada").await.code(), "missing_token");
    assert_eq!(service.get("/internal/users?username=ada").await.status, 404);
}
