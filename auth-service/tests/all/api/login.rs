//! `POST /auth/login`

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        Person, TestService,
    },
    token::{claims, header},
};

#[rstest]
#[tokio::test]
async fn a_password_becomes_two_tokens(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let answer = service.try_log_in(&ada, Value::Null).await;
    assert_snapshot!(answer, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "access_token": "[access_token]",
      "expires_in": 900,
      "refresh_token": "[refresh_token]",
      "scope": "notes:read notes:write",
      "token_type": "Bearer"
    }
    "#);
    let tokens = answer.tokens();
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.member("username"), "ada");
}

#[rstest]
#[tokio::test]
async fn the_access_token_is_as_rfc_9068_has_it(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let token = service.log_in(&ada).await.access;
    let (header, claims) = (header(&token), claims(&token));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("HS256"), &json!("at+jwt")));
    assert_eq!(header["kid"].as_str().unwrap().len(), 16);
    assert_eq!(claims["aud"], json!(["http://localhost:8080", "resource-service"]));
    assert_eq!(claims["client_id"], "first-party");
    assert_eq!(claims["scope"], "notes:read notes:write");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    assert_eq!(claims["auth_time"], claims["iat"]);
    let mut members: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = ["aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "roles", "scope", "sid", "sub"];
    assert_eq!(members, expected);
}

#[rstest]
#[tokio::test]
async fn access_only_gives_one_longer_lived_token(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let answer = service.try_log_in(&ada, json!("access_only")).await;
    assert_snapshot!(answer, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "access_token": "[access_token]",
      "expires_in": 3600,
      "scope": "notes:read notes:write",
      "token_type": "Bearer"
    }
    "#);
    let token = answer.member("access_token");
    let logout = service.request(Method::POST, "/auth/logout").bearer_auth(&token);
    assert_eq!(Answer::of(logout).await.status, 204);
    assert_eq!(service.get_as(&token, "/auth/me").await.code(), "login_required");
}

#[rstest]
#[tokio::test]
async fn an_address_logs_in_as_well(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = json!({"username": "ada", "email": "ada@example.org", "password": "plum-anvil-tundra-9"});
    service.post("/auth/register", body).await;
    let ada = Person { username: "Ada@example.ORG".to_owned(), password: "plum-anvil-tundra-9".to_owned() };
    service.log_in(&ada).await;
}

#[rstest]
#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_answered_alike_for_the_same_work(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let hashes = async || service.metric("auth_bcrypt_hashes_total").await;

    let before = hashes().await;
    let wrong = service.try_log_in(&Person { password: "not-the-password".to_owned(), ..ada }, Value::Null).await;
    let after_wrong = hashes().await;
    let nobody = Person { username: "nobody".to_owned(), password: "not-the-password".to_owned() };
    let unknown = service.try_log_in(&nobody, Value::Null).await;
    let after_unknown = hashes().await;
    let no_name = Person { username: "no such name!".to_owned(), password: "not-the-password".to_owned() };
    let impossible = service.try_log_in(&no_name, Value::Null).await;
    let after_impossible = hashes().await;

    assert_snapshot!(wrong, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey"
    {
      "code": "invalid_credentials",
      "detail": "invalid username or password",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
    assert_eq!(wrong.to_string(), unknown.to_string());
    assert_eq!(wrong.to_string(), impossible.to_string());
    assert_eq!([after_wrong - before, after_unknown - after_wrong, after_impossible - after_unknown], [1, 1, 1]);
}

#[tokio::test]
async fn a_mode_that_does_not_exist_is_said_so() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    assert_eq!(service.try_log_in(&ada, json!("telepathy")).await.code(), "bad_request");
}
