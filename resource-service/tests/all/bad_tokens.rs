//! Tokens that are not believed, and secrets during a rolling change.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::UserClaims,
    clock::Clock,
    testing::{TestToken, header, sign},
};
use insta::assert_snapshot;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::Answer,
    database::Kind::Sqlite,
    service::{ADA, AUDIENCE, ISSUER, JWT_SECRET, TestService, secret},
};

const NEXT: &str = "the-secret-that-comes-after-the-rolling-change";
const PREVIOUS: &str = "the-secret-from-before-the-rolling-change";
const ANOTHER: &str = "the-secret-of-a-service-that-is-none-of-ours";

async fn answer_to(token: impl FnOnce(&TestService) -> String) -> Answer {
    let service = TestService::start(Sqlite).await;
    let token = token(&service);
    service.get_with(&token, "/api/whoami").await
}

async fn answer_to_claims(change: fn(&mut UserClaims)) -> Answer {
    answer_to(|service| {
        let mut token = service.token(ADA);
        change(&mut token.claims);
        token.sign()
    })
    .await
}

#[tokio::test]
async fn a_missing_header_is_said_so() {
    let service = TestService::start(Sqlite).await;
    assert_snapshot!(service.get("/api/whoami").await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey"
    {
      "code": "missing_token",
      "detail": "Missing Authorization Header",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn another_scheme_is_refused() {
    let service = TestService::start(Sqlite).await;
    let request = service.request(Method::GET, "/api/whoami").basic_auth("ada", Some("secret"));
    assert_snapshot!(Answer::of(request).await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey"
    {
      "code": "wrong_scheme",
      "detail": "The Authorization header must be of the form \"Bearer <token>\"",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn two_headers_are_a_bad_request() {
    let service = TestService::start(Sqlite).await;
    let token = service.token(ADA).sign();
    let request = service.request(Method::GET, "/api/whoami").bearer_auth(&token).bearer_auth(&token);
    assert_snapshot!(Answer::of(request).await, @r#"
    400
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "There is more than one Authorization header",
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn garbage_is_refused() {
    assert_snapshot!(answer_to(|_| "garbage".to_owned()).await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token is malformed"
    {
      "code": "invalid_token",
      "detail": "the token is malformed",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn an_endless_token_is_refused() {
    assert_snapshot!(answer_to(|_| "a".repeat(9_000)).await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token is longer than 8192 bytes"
    {
      "code": "invalid_token",
      "detail": "the token is longer than 8192 bytes",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn an_expired_token_is_said_so() {
    let answer = answer_to(|service| {
        let token = service.token(ADA).sign();
        service.clock.advance(Duration::from_secs(905));
        token
    });
    assert_snapshot!(answer.await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token has expired"
    {
      "code": "token_expired",
      "detail": "the token has expired",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_clock_that_goes_five_seconds_wrong_is_forgiven() {
    let answer = answer_to(|service| {
        let token = service.token(ADA).sign();
        service.clock.advance(Duration::from_secs(904));
        token
    });
    assert_eq!(answer.await.status, 200);
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    assert_snapshot!(answer_to_claims(|claims| claims.iat += 60).await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token is not valid yet"
    {
      "code": "invalid_token",
      "detail": "the token is not valid yet",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_token_for_another_service_is_refused() {
    assert_snapshot!(answer_to_claims(|claims| claims.aud = vec!["billing".to_owned()]).await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token is for another audience"
    {
      "code": "invalid_token",
      "detail": "the token is for another audience",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    assert_snapshot!(answer_to_claims(|claims| claims.iss = "https://elsewhere.example".to_owned()).await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token's issuer is not accepted"
    {
      "code": "invalid_token",
      "detail": "the token's issuer is not accepted",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[case::none("none", "")]
#[case::none_with_something_for_a_signature("none", "AAAA")]
#[case::in_capitals("NONE", "")]
#[tokio::test]
async fn a_token_that_says_it_needs_no_signature_is_refused(#[case] algorithm: &str, #[case] signature: &str) {
    let answer = answer_to(|service| {
        let token = service.token(ADA).sign();
        let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": secret(JWT_SECRET).kid()});
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        format!("{header}.{}.{signature}", token.split('.').nth(1).unwrap())
    })
    .await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{answer}");
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let answer = answer_to(|service| {
        let mut header = header(&secret(JWT_SECRET));
        header.typ = Some("rt+jwt".to_owned());
        sign(&header, &service.token(ADA).claims, &secret(JWT_SECRET))
    });
    assert_snapshot!(answer.await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token is of the wrong type"
    {
      "code": "invalid_token",
      "detail": "the token is of the wrong type",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_token_signed_with_another_secret_is_refused() {
    let answer =
        answer_to(|service| TestToken::new(&secret(ANOTHER), ISSUER, AUDIENCE, ADA, service.clock.now()).sign());
    assert_snapshot!(answer.await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token's key is not known"
    {
      "code": "invalid_token",
      "detail": "the token's key is not known",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn another_secret_under_the_name_of_ours_is_refused() {
    let answer = answer_to(|service| sign(&header(&secret(JWT_SECRET)), &service.token(ADA).claims, &secret(ANOTHER)));
    assert_snapshot!(answer.await, @r#"
    401
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token's signature is invalid"
    {
      "code": "invalid_token",
      "detail": "the token's signature is invalid",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn the_next_and_the_previous_secret_are_accepted() {
    let more = vec![("JWT_SECRET_NEXT", NEXT.to_owned()), ("JWT_SECRET_PREVIOUS", PREVIOUS.to_owned())];
    let service = TestService::start_with(Sqlite, more).await;
    for text in [JWT_SECRET, NEXT, PREVIOUS] {
        let token = TestToken::new(&secret(text), ISSUER, AUDIENCE, ADA, service.clock.now()).sign();
        assert_eq!(service.get_with(&token, "/api/whoami").await.status, 200, "{text}");
    }
}

#[tokio::test]
async fn the_audience_is_a_setting() {
    let service = TestService::start_with(Sqlite, vec![("JWT_AUDIENCE", "notes".to_owned())]).await;
    assert_eq!(service.get_with(&service.token(ADA).sign(), "/api/whoami").await.status, 401);
    let mut token = service.token(ADA);
    token.claims.aud = vec![ISSUER.to_owned(), "notes".to_owned()];
    assert_eq!(service.get_with(&token.sign(), "/api/whoami").await.status, 200);
}
