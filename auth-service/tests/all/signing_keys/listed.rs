//! `GET /admin/keys`

use rstest::rstest;
use serde_json::{Value, json};

use super::jwks::master;
use crate::support::{
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        TestService,
    },
    token::header,
    wait::until,
};

async fn keys(service: &TestService, token: &str) -> Vec<Value> {
    let answer = service.get_as(token, "/admin/keys").await;
    assert_eq!((answer.status, &answer.json()["next"]), (200, &json!(null)), "{answer}");
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn there_are_none_where_the_shared_secret_signs() {
    let service = TestService::start(Sqlite).await;
    let (_, root) = service.administrator().await;
    assert_eq!(keys(&service, &root.access).await, [] as [Value; 0]);
}

#[rstest]
#[tokio::test]
async fn each_says_where_it_stands_and_shows_no_material(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let settings = [("AUTH_SIGNING_ALGORITHM", "ES256"), ("JWT_ALGORITHMS", "ES256"), ("AUTH_MASTER_KEY", &master())];
    let service = TestService::start_with(backend, &settings).await;
    let (_, root) = service.administrator().await;
    until("the next key", async || keys(&service, &root.access).await.len() == 2).await;
    let keys = keys(&service, &root.access).await;
    assert_eq!((&keys[0]["state"], &keys[1]["state"]), (&json!("active"), &json!("next")));
    assert_eq!(keys[0]["kid"], header(&root.access)["kid"]);
    for key in keys {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let told = ["activates_at", "algorithm", "created_at", "kid", "retires_at", "state", "verify_until"];
        assert_eq!(names, told);
        assert_eq!(key["algorithm"], "ES256");
        assert!(key["created_at"].as_str() <= key["activates_at"].as_str());
    }
}
