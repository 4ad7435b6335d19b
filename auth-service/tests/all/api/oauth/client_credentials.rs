//! `POST /oauth/token` with `client_credentials`, and the clients that an operator looks after.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    process::{run, text},
    support::{
        answer::Answer,
        client::FORM,
        service::{Backend, TestService},
        token::claims,
    },
};

fn operate(service: &TestService, arguments: &[&str]) -> Value {
    let output = run(&service.variables, arguments, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// A service with one client, and the client's secret.
async fn with_client(backend: Backend) -> (TestService, String) {
    let service = TestService::start(backend).await;
    let client = operate(
        &service,
        &[
            "client",
            "add",
            "reports",
            "--scope",
            "notes:read revocations:read",
            "--audiences",
            "resource-service",
            "--json",
        ],
    );
    let secret = client["client_secret"].as_str().unwrap().to_owned();
    (service, secret)
}

async fn ask(service: &TestService, id: &str, secret: &str, form: &str) -> Answer {
    let request = service.request(Method::POST, "/oauth/token").basic_auth(id, Some(secret));
    Answer::of(request.header("content-type", FORM).body(form.to_owned())).await
}

#[rstest]
#[tokio::test]
async fn a_client_gets_a_token_for_itself(#[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend) {
    let (service, secret) = with_client(backend).await;
    let answer = ask(&service, "reports", &secret, "grant_type=client_credentials").await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.member("token_type"), "Bearer");
    assert_eq!(answer.member("scope"), "notes:read revocations:read");
    let mut claims = claims(&answer.member("access_token"));
    let issued = claims["iat"].as_i64().unwrap();
    assert_eq!(claims["exp"].as_i64().unwrap() - issued, 300);
    for name in ["iat", "exp", "jti"] {
        claims.as_object_mut().unwrap().remove(name).unwrap();
    }
    assert_eq!(
        claims,
        json!({
            "iss": "http://localhost:8080", "aud": ["http://localhost:8080", "resource-service"], "sub": "reports",
            "client_id": "reports", "scope": "notes:read revocations:read",
        })
    );
    let refused = service.get_as(&answer.member("access_token"), "/auth/me").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "users_only"));
}

#[tokio::test]
async fn less_may_be_asked_for_and_more_is_refused() {
    let (service, secret) = with_client(Backend::Sqlite).await;
    let less = ask(&service, "reports", &secret, "grant_type=client_credentials&scope=notes:read").await;
    assert_eq!(less.member("scope"), "notes:read");
    for scope in ["notes:read%20notes:write", "admin", "a%20%20b", "%22"] {
        let more = ask(&service, "reports", &secret, &format!("grant_type=client_credentials&scope={scope}")).await;
        assert_eq!((more.status, more.member("error").as_str()), (400, "invalid_scope"), "{scope}");
    }
}

#[tokio::test]
async fn both_secrets_are_good_while_their_holders_change_over() {
    let (service, old) = with_client(Backend::Sqlite).await;
    let rotated = operate(&service, &["client", "rotate-secret", "reports", "--overlap", "1h", "--json"]);
    let new = rotated["client_secret"].as_str().unwrap();
    for secret in [&old, new] {
        assert_eq!(ask(&service, "reports", secret, "grant_type=client_credentials").await.status, 200);
    }
    operate(&service, &["client", "rotate-secret", "reports", "--overlap", "0s", "--json"]);
    // The command goes by the machine's clock, which this one is behind.
    service.clock.advance(std::time::Duration::from_hours(24 * 365 * 50));
    for secret in [&old, new] {
        assert_eq!(ask(&service, "reports", secret, "grant_type=client_credentials").await.status, 401);
    }
}

#[tokio::test]
async fn a_disabled_client_gets_nothing_until_it_is_enabled() {
    let (service, secret) = with_client(Backend::Sqlite).await;
    operate(&service, &["client", "disable", "reports"]);
    assert_eq!(ask(&service, "reports", &secret, "grant_type=client_credentials").await.status, 401);
    operate(&service, &["client", "enable", "reports"]);
    assert_eq!(ask(&service, "reports", &secret, "grant_type=client_credentials").await.status, 200);
    let list = operate(&service, &["client", "list", "--json"]);
    assert_eq!(list[0]["client_id"], "reports");
    assert!(list[0].get("client_secret").is_none(), "{list}");
}

#[tokio::test]
async fn a_secret_may_come_from_a_file_and_adding_twice_may_do_nothing() {
    let service = TestService::start(Backend::Sqlite).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let arguments = ["client", "add", "reports", "--secret-file", path];
    std::fs::write(file.path(), "too short\n").unwrap();
    assert_eq!(run(&service.variables, &arguments, "").status.code(), Some(1));
    let secret = "a secret that was made elsewhere, long enough";
    std::fs::write(file.path(), format!("{secret}\n")).unwrap();
    assert!(run(&service.variables, &arguments, "").status.success());
    assert_eq!(run(&service.variables, &arguments, "").status.code(), Some(1), "the name is taken");
    assert!(run(&service.variables, &[&arguments[..], &["--if-missing"]].concat(), "").status.success());
    assert_eq!(ask(&service, "reports", secret, "grant_type=client_credentials").await.status, 200);
    std::fs::write(file.path(), "another secret that was made elsewhere, long enough").unwrap();
    let other = run(&service.variables, &[&arguments[..], &["--if-missing"]].concat(), "");
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("there is a client reports with another secret"), "{}", text(&other.stderr));
}
