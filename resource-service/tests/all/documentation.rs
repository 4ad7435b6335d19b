//! `/api/openapi.json`, held against what the service does.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    database::Kind::Sqlite,
    service::{ADA, TestService},
};

/// Method, address and description of every operation.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            operations.push((method, path.replace("{id}", "0192f00d-0000-7000-8000-000000000000"), operation.clone()));
        }
    }
    operations
}

#[tokio::test]
async fn the_document_is_as_it_was_agreed() {
    let service = TestService::start(Sqlite).await;
    insta::assert_json_snapshot!("openapi", service.get("/api/openapi.json").await.json());
}

#[tokio::test]
async fn every_operation_exists_and_is_guarded_as_documented() {
    let service = TestService::start(Sqlite).await;
    let operations = operations(&service.get("/api/openapi.json").await.json());
    assert_eq!(operations.len(), 12);
    for (method, path, operation) in operations {
        let unknown = Answer::of(service.request(method.clone(), &path)).await;
        assert_eq!(unknown.code(), "missing_token", "{method} {path}");
        let powerless = service.request(method.clone(), &path).bearer_auth(service.token_for(ADA, "notes"));
        let powerless = Answer::of(powerless).await;
        assert_eq!(powerless.status == 403, operation["responses"].get("403").is_some(), "{method} {path}");
        if let Some(scope) = operation["security"][0]["access_token"][0].as_str() {
            assert!(powerless.text.contains(&format!("lacks the scope {scope}\"")), "{method} {path}: {powerless}");
        }
    }
}

#[tokio::test]
async fn every_problem_is_documented_as_one() {
    let service = TestService::start(Sqlite).await;
    for (method, path, operation) in operations(&service.get("/api/openapi.json").await.json()) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            let is_problem = *schema == json!("#/components/schemas/Problem");
            assert_eq!(is_problem, status.as_str() >= "400", "{method} {path} {status}: {response}");
        }
    }
}
