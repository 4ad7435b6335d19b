//! A service whose tokens are signed with keys of the store: what it publishes, signs and accepts.

use auth_service::{crypto::master_key::MasterKey, ports::SystemRng};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    service::{Backend, TestService, os, set},
    token::header,
    wait::until,
};

pub fn master() -> String {
    MasterKey::new_text(&SystemRng).to_string()
}

async fn jwks(service: &TestService) -> Vec<Value> {
    service.get("/.well-known/jwks.json").await.json()["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn hs256_publishes_no_keys() {
    let service = TestService::start(Backend::Sqlite).await;
    assert_eq!(service.get("/.well-known/jwks.json").await.text, r#"{"keys":[]}"#);
    let service = TestService::start_with(Backend::Sqlite, &[("AUTH_MASTER_KEY", &master())]).await;
    assert_eq!(service.get("/.well-known/jwks.json").await.text, r#"{"keys":[]}"#);
    assert_eq!(service.manage("/readyz").await.status, 200);
}

#[rstest]
#[tokio::test]
async fn tokens_are_signed_with_the_active_key_and_public_parts_alone_are_published(
    #[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend,
    #[values("EdDSA", "ES256", "RS256")] algorithm: &str,
) {
    let settings =
        [("AUTH_SIGNING_ALGORITHM", algorithm), ("JWT_ALGORITHMS", algorithm), ("AUTH_MASTER_KEY", &master())];
    let service = TestService::start_with(backend, &settings).await;
    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.status, 200);
    let first = header(&tokens.access);
    assert_eq!((&first["alg"], &first["typ"]), (&json!(algorithm), &json!("at+jwt")));
    until("the next key", async || jwks(&service).await.len() == 2).await;
    let keys = jwks(&service).await;
    assert_eq!(keys.iter().filter(|key| key["kid"] == first["kid"]).count(), 1);
    for key in keys {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let public = ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"];
        assert!(names.iter().all(|name| public.contains(name)), "{names:?}");
        assert_eq!((&key["alg"], &key["use"]), (&json!(algorithm), &json!("sig")));
    }
    assert_eq!(service.manage("/readyz").await.json()["dependencies"]["signing_keys"], "up");
    let refreshed = service.refresh(&tokens.refresh).await;
    assert_eq!(header(&refreshed.member("access_token"))["kid"], first["kid"]);
}

#[tokio::test]
async fn the_document_may_be_cached_and_asked_for_again() {
    let settings = [
        ("AUTH_SIGNING_ALGORITHM", "EdDSA"),
        ("JWT_ALGORITHMS", "EdDSA"),
        ("AUTH_MASTER_KEY", &master()),
        ("AUTH_JWKS_MAX_AGE", "90s"),
    ];
    let service = TestService::start_with(Backend::Sqlite, &settings).await;
    until("the next key", async || jwks(&service).await.len() == 2).await;
    let answer = service.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=90"));
    assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
    let tag = answer.header("etag").unwrap().to_owned();
    let ask = async |tag: &str| {
        let request = service.request(Method::GET, "/.well-known/jwks.json").header("If-None-Match", tag);
        Answer::of(request).await
    };
    let unchanged = ask(&tag).await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    assert_eq!(ask("\"another\"").await.status, 200);
    let post = Answer::of(service.request(Method::POST, "/.well-known/jwks.json")).await;
    assert_eq!(post.status, 405);
}

#[tokio::test]
async fn a_wrong_master_key_keeps_a_replica_from_starting_and_names_the_variable() {
    let settings = [("AUTH_SIGNING_ALGORITHM", "EdDSA"), ("JWT_ALGORITHMS", "EdDSA"), ("AUTH_MASTER_KEY", &master())];
    let service = TestService::start_with(Backend::Sqlite, &settings).await;
    let mut variables = service.variables.clone();
    set(&mut variables, "AUTH_MASTER_KEY", master());
    let config = auth_service::config::Config::read(os(&variables)).unwrap();
    let started = auth_service::app::App::start(config, service.clock.clone(), std::sync::Arc::new(SystemRng)).await;
    let error = started.err().unwrap().to_string();
    assert!(error.starts_with("AUTH_MASTER_KEY is not the one that signing key"), "{error}");
}

#[test]
fn settings_that_do_not_belong_together_are_refused() {
    let errors = |changes: &[(&str, &str)]| {
        let mut variables = crate::support::service::least_variables("sqlite:unused.db");
        for (name, value) in changes {
            set(&mut variables, name, *value);
        }
        auth_service::config::Config::read(os(&variables)).unwrap_err().to_string()
    };
    assert_snapshot!(errors(&[("AUTH_SIGNING_ALGORITHM", "EdDSA"), ("JWT_ALGORITHMS", "HS256,EdDSA")]), @"AUTH_MASTER_KEY is not set");
    assert_snapshot!(errors(&[("AUTH_SIGNING_ALGORITHM", "EdDSA"), ("AUTH_MASTER_KEY", &master())]), @"AUTH_SIGNING_ALGORITHM is not among JWT_ALGORITHMS, so that nobody would accept the tokens");
    assert_snapshot!(errors(&[("JWT_ALGORITHMS", "EdDSA")]), @"AUTH_SIGNING_ALGORITHM is not among JWT_ALGORITHMS, so that nobody would accept the tokens");
    assert_snapshot!(errors(&[("JWT_ALGORITHMS", "none")]), @"JWT_ALGORITHMS must be HS256, EdDSA, ES256 or RS256, divided by commas");
}
